//! giambio as a guest of tokio: a giambio program is a future that a tokio runtime polls, on one thread.
//!
//! ```
//! use std::io;
//! use std::time::Duration;
//! use giambio::nursery;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> io::Result<()> {
//!     let greeting = String::from("hello");
//!     giambio_tokio::guest(async {
//!         nursery(async |n| {
//!             // tokio's things in a child that borrows, and giambio's beside them.
//!             n.spawn(async {
//!                 tokio::time::sleep(Duration::from_millis(2)).await;
//!                 println!("{greeting} from tokio");
//!                 Ok(())
//!             });
//!             giambio::sleep(Duration::from_millis(1)).await;
//!             println!("{greeting} from giambio");
//!             Ok(())
//!         })
//!         .await
//!     })
//!     .await
//! }
//! ```
//!
//! Children of nurseries are polled inside of the guest, and so in tokio's context: whatever is built on tokio (`tokio::net`,
//! `tokio::spawn`, reqwest, sqlx, tonic) works in them, is cancelled with them, and may borrow as they do.
//!
//! # Where it may be awaited
//! The future of a guest isn't `Send`. So: in [`Runtime::block_on`](tokio::runtime::Runtime::block_on) and the body of
//! `#[tokio::main]`, in both kinds of runtime; in a task of a [`LocalSet`](tokio::task::LocalSet); in a
//! [`LocalRuntime`](tokio::runtime::LocalRuntime). There may be many in one thread, each a
//! task among others, but none inside of another: there, `.await` its future as it is.
//!
//! # What works in it
//! * All of giambio: timers, sockets, signals, files, programs, calls on threads. On Windows all but what waits for a socket or
//!   another handle, which panics: there is no descriptor that tokio could wait for. Use tokio's there.
//! * The time is tokio's: where a test pauses that (`tokio::time::pause`), giambio's sleeps are paused, too.
//! * `tokio::spawn` is a task of the host's, as ever: it outlives the nursery that it was called in.
//!
//! # What it costs
//! * A sleep ends up to a millisecond late, for tokio's timers count those. It is never early.
//! * A message costs a wait of giambio's in addition to tokio's, since tokio learns only that something has happened
//!   (`epoll_wait`, less than 1 µs). An idle guest costs nothing.
//! * [One turn](giambio::Runtime::turn), 64 polls at most, and the host has its thread back; so where tasks are always ready
//!   the host looks about after each 64 of them, as [`giambio::run()`] does.
//! * A descriptor for each guest, beside those of giambio's reactor.
//!
//! `docs/guests.md` is about guests in other loops, too.
//!
//! # Panics in the host
//! A guest needs a runtime with `enable_io`, and with `enable_time` as soon as something in it waits for a deadline:
//! without these tokio panics, and says so. It panics as well if the guest is polled after its runtime was shut down. Polled
//! in another runtime it moves there, with all that is giambio's; what in it is tokio's stays with the one where it was made.
#![forbid(unsafe_code)]

mod alarm;
mod clock;
mod guest;
mod running;
mod system;

pub use guest::{Builder, Guest, TryGuest, builder, guest, try_guest};
