//! Who waits for which socket, and what the operating system says about it.
//!
//! There is one reactor a thread, made when first needed and kept: a socket is registered with the system once and may
//! be used in one `run` after another. Nothing here is shared between threads but the [`Notifier`]. While a thread ends,
//! in destructors of thread-locals, there may be one after the other: each lives for as long as somebody uses it.
//!
//! A call is always tried first; a source is registered when its first call would block. So a connection that never
//! waits is never registered, and wrapping a socket of the standard library costs nothing and cannot fail.
//!
//! # Forks
//! A child of `fork` has its parent's reactors in its memory, and its descriptors: what the child registered there or
//! removed from there would be so for the parent, and what one of them is told the other is not. So a reactor remembers
//! its process. In another one it starts afresh before it does anything: who waited is woken, and registers
//! what it still waits for with a new poller; the parent's is left alone. Looking costs a load and a comparison.
//!
//! # The seam
//! One file a system, each offering the same names: `AsSource` (what can be registered), `Poller`, `Events` and `Bell`.
//! `epoll.rs` goes to the floor on Linux: one system call a wait. `portable.rs` is everything else; `sources/` has what can be
//! registered there, which on Windows are sockets and handles.
//!
//! # From the ground up
//! * `armed.rs`: loops that wait for the descriptor elsewhere, and what they are owed;
//! * `limit.rs`: how long a wait may last; `closed.rs`: the error of what was closed;
//! * `readiness.rs`: is a source ready, who waits for it, and why no event gets lost; `registry.rs`: all of them, by key;
//! * `notifier.rs`: ends a wait from another thread; `descriptor.rs`: how long a number means what it did;
//! * `epoll.rs`, `portable.rs`: the system;
//! * `thread.rs`: the reactor itself;
//! * `claim.rs`, `source.rs`, `lend.rs`, `attempt.rs`: what sockets, pipes and signals call.

mod armed;
mod attempt;
mod claim;
mod closed;
#[allow(unsafe_code)]
mod descriptor;
mod lend;
mod limit;
mod notifier;
mod readiness;
mod registry;
mod source;
mod thread;

#[cfg_attr(all(any(target_os = "linux", target_os = "android"), not(giambio_portable)), path = "epoll.rs")]
#[cfg_attr(
    any(
        giambio_portable,
        windows,
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
        target_os = "illumos",
        target_os = "solaris",
    ),
    path = "portable.rs"
)]
mod system; // no match: `system.rs`, which says what to add

pub(crate) use claim::Claim;
#[allow(unused_imports, reason = "streams use it")]
pub(crate) use claim::busy_error;
pub use closed::Closed;
#[cfg(all(unix, feature = "fs"))]
pub(crate) use descriptor::close;
#[cfg(unix)]
pub(crate) use descriptor::peer_of;
#[cfg(unix)]
#[allow(unused_imports, reason = "pipes use it")]
pub(crate) use descriptor::replace;
pub(crate) use lend::Lends;
pub(crate) use limit::Limit;
pub(crate) use readiness::Direction;
pub(crate) use source::{Descriptor, Done, Source};
#[cfg(all(windows, feature = "process"))]
pub(crate) use system::{AsSource, Kind};
pub(crate) use thread::{Events, Reactor};
