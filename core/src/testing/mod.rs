//! Tests in virtual time: waiting takes none, and a deadlock is an error instead of a hang.
//!
//! ```
//! use core::time::Duration;
//! use giambio_core::{clock, sleep, testing};
//!
//! // #[test]
//! fn a_day_later() {
//!     testing::run(async {
//!         sleep(Duration::from_secs(24 * 3600)).await; // at once
//!         assert_eq!(clock().as_nanos(), 24 * 3600 * 1_000_000_000);
//!     });
//! }
//! # a_day_later();
//! ```
//!
//! The clock stands still while any task can go on. When all of them wait it jumps to the next
//! deadline, as the *autojump clock* of trio does. So a test of a timeout of an hour takes
//! microseconds, it never fails because the machine was busy, and the same program does the same
//! thing each time. The scheduler is the one that runs in production: by the same wakes, tasks are polled in the same order
//! (law ONE-SCHEDULE).
//!
//! | you want | take |
//! | --- | --- |
//! | a test in virtual time | [`run`] |
//! | a deadlock as a value, other threads that wake tasks | [`Simulation`] |
//! | the same program with its tasks polled in many orders | [`for_each_seed`], [`Simulation::seed`] |
//! | the same code cancelled, and dropped, at each of its suspensions | [`cancel_everywhere`] |
//! | to go on when everybody else waits | [`wait_all_blocked`] |
//! | a loop and a clock of your own, a debugger | [`Autojump`], a [`Wait`](crate::Wait) for a [`VirtualClock`](crate::VirtualClock) |
//! | to move the clock by hand | [`VirtualClock::advance`](crate::VirtualClock::advance), between two turns |
//!
//! What is outside of the program has no part in virtual time: who waits for a socket, a call that blocks or another
//! thread waits for nobody, as far as can be seen from here, and the clock jumps on, or there is a deadlock. For threads and
//! calls there is [`Simulation::patience`]; what needs sockets is tested under `giambio::run`.
//!
//! Comes with feature `std`: tests run on a computer.

mod asking;
mod autojump;
mod blocked;
mod cancel_everywhere;
mod seeds;
mod simulation;
mod stuck;

pub use autojump::Autojump;
pub use blocked::wait_all_blocked;
pub use cancel_everywhere::cancel_everywhere;
pub use seeds::for_each_seed;
pub use simulation::{Simulation, run};
pub use stuck::Stuck;
