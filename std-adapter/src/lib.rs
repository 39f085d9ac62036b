//! giambio: structured concurrency on one thread, with the operating system's sockets, clock and signals.
//!
//! This crate is [`giambio_core`], which it re-exports whole, and what that core leaves to its surroundings:
//!
//! | need | here |
//! | --- | --- |
//! | a loop that sleeps while nothing is ready | [`run`](run()), [`run_or_ctrl_c`], [`builder`]; its parts: [`Idle`], [`StdClock`] |
//! | a runtime for each core | [`run_on_each_core`] |
//! | sockets, servers over them, and what all byte streams have in common | [`net`], [`stream`] |
//! | any descriptor of the system's, waited for | [`fd`] |
//! | files | [`fs`] |
//! | standard streams | [`stdin()`], [`stdout()`], [`stderr()`] |
//! | programs that end with their scope | [`process`] |
//! | calls that block | [`unblock`], [`unblock_in`], [`lend`], [`with_threads`] |
//! | calls from other threads | [`OpenPortal::portal`] |
//! | Ctrl+C and other signals | [`ctrl_c`], [`run_until_stopped`], [`signal`] |
//! | who keeps the thread for too long | [`Watchdog`] |
//!
//! ```
//! use giambio::net::{TcpListener, TcpStream};
//! use std::io;
//!
//! # fn main() -> io::Result<()> {
//! giambio::run(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let client = TcpStream::connect(listener.local_addr()?).await?;
//!     let (server, _) = listener.accept().await?;
//!     client.send_all(b"ping").await?;
//!     let mut buffer = [0; 4];
//!     server.receive_exact(&mut buffer).await?;
//!     assert_eq!(&buffer, b"ping");
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Features
//!
//! The core's features `std`, `hooks` and `nb` are always on. All others but `fs`, `net`, `stream` and `process` are passed
//! on to it.
//!
//! <!-- features of giambio: written by `cargo xtask tables --write` -->
//! | feature | adds | by default |
//! | --- | --- | --- |
//! | `fs` | Files, `fs`. | yes |
//! | `net` | Sockets, `net`. Without it there is the loop with its reactor, and what else that waits for. | yes |
//! | `stream` | What byte streams have in common, `stream`, and on Unix pipes. | yes |
//! | `process` | `process`: programs that end with their scope. | yes |
//! | `heapless` | Channels of fixed size: `channel::Channel`, `Broadcast`, `Priority`. | yes |
//! | `embedded-hal-async` | `Delay`, for drivers that are written for `embedded-hal-async`. |  |
//! | `embedded-io-async` | The traits of `embedded-io-async` for byte streams and `channel::Pipe`. |  |
//! | `futures` | Channels, watches and intervals as streams and sinks, the traits of `futures-core` and `futures-sink`. |  |
//! | `introspect` | `introspect`: all live tasks and scopes of a run, and what they wait for; names of locks. |  |
//! | `defmt` | `DefmtDebugger`, which logs the debugger's events; errors that `defmt` formats. |  |
//! <!-- features of giambio: the end -->
//!
//! # Operating systems
//!
//! | system | waits with | file |
//! | --- | --- | --- |
//! | Linux, Android | epoll, edge-triggered; deadlines by timerfd | `reactor/epoll.rs` |
//! | macOS, iOS, FreeBSD, NetBSD, OpenBSD, DragonFly | kqueue, edge-triggered, through `polling` | `reactor/portable.rs` |
//! | Windows, illumos, Solaris | IOCP, event ports, armed for each wait, through `polling` | `reactor/portable.rs` |
//!
//! Another system is a compile error that names the file to add. `docs/platforms.md` says where which tests run.
//!
//! # Forks
//! A child that is forked from a thread which has run, or which runs, has a reactor of its own, and leaves its parent's
//! alone, whatever it does with its copies of descriptors:
//! * Forked after a `run`, it may `run`; with the sockets of before, too. The sockets themselves parent and child then share,
//!   as all processes share what they inherit: what one of them reads is gone for the other, a shutdown is one for both,
//!   and a connection ends for the peer when both have closed it. Of those that wait for connections at one
//!   listener, one gets each.
//! * Forked in a task, it is a copy of the whole run. It may leave by `_exit` or another program (`exec`), or go on: who
//!   waits for a socket there is woken, to wait by its own reactor.
//! * Only the thread that forked is in the child. Runs of other threads are not, and nor are their tasks' results: a call
//!   that was under way in [`unblock`] or a lookup is the parent's, and in the child it stays so for ever. New ones get
//!   threads of their own. And as for each program with several threads, what another thread had locked
//!   at that moment stays locked in the child.
//! * A watch for [signals](signal) is the parent's until the child polls it, or makes one.
//!
//! It notices forks of the C library (`fork`, and all that builds on it), not those by a bare system call.
//!
//! # Map
//! From the ground up: `sys/` is what systems do differently below everything else, `pool.rs` threads, `call.rs` a call on
//! one and `blocking.rs` those that block, `threads/` what borrows and what calls in, `fs/` files, `stdio/` the standard
//! streams, `reactor/` who waits for what, `fd/` any descriptor, `signal/` Ctrl+C and other signals, `stream/` what all byte
//! streams have in common, `net/` the sockets, `idle.rs` what the loop does between turns, `run.rs` the loop, `cores.rs` a
//! loop for each core, `watchdog.rs` who looks on. `docs/architecture.md` has their order, and the ways through them. Each
//! uses only the public seams of the core: what this adapter can do, another one can too.

#![deny(unsafe_code)]

mod blocking;
mod call;
mod clock;
mod cores;
pub mod fd;
mod foreign;
#[cfg(feature = "fs")]
pub mod fs;
mod idle;
mod job;
#[cfg(feature = "net")]
pub mod net;
mod pool;
#[cfg(feature = "process")]
pub mod process;
#[cfg_attr(not(feature = "net"), allow(dead_code, unreachable_pub, unused_imports, reason = "streams use most of it"))]
mod reactor;
mod run;
pub mod signal;
pub mod stdio;
#[cfg(feature = "stream")]
pub mod stream;
mod sys;
mod threads;
mod watchdog;

pub use giambio_core::*;

pub use blocking::{is_abandoned, lend, try_unblock, unblock, unblock_in};
pub use clock::StdClock;
pub use cores::{Core, EachCore, Ended, Outcome, run_on_each_core};
pub use idle::Idle;
pub use run::{Builder, RunError, builder, run, run_or_ctrl_c, run_until_stopped};
pub use signal::{Interrupted, ctrl_c};
pub use stdio::{stderr, stdin, stdout};
pub use threads::{OpenPortal, Portal, PortalError, Threads, with_threads};
pub use watchdog::{Stall, Watchdog};
