//! Structured concurrency for `async` Rust, from a microcontroller to a server: the core, without
//! an operating system and without a heap.
//!
//! Programs with sockets, signals and an operating system's clock use the crate `giambio`, which
//! re-exports all of this. Firmware uses this crate and brings a [`Clock`] and a [`Wait`].
//!
//! # The model on one page
//!
//! A **task** is a future that is polled on its own. The root task is the one that a [`Runtime`]
//! runs; every other one is a child of a **nursery**. A nursery is a piece of code that
//! [opens it](nursery()), spawns children into it, and does not end before all of them have ended.
//! So a task never outlives the code that started it, it may borrow from there, and its error or
//! panic has somewhere to go: the first one cancels the siblings and is what the nursery returns.
//!
//! ```
//! # use core::pin::pin;
//! # use giambio_core::{Next, Until, VirtualClock};
//! use core::time::Duration;
//! use giambio_core::{Runtime, nursery, sleep};
//!
//! async fn fetch(server: &str) -> Result<usize, &'static str> {
//!     sleep(Duration::from_secs(1)).await;
//!     if server.is_empty() { Err("no such server") } else { Ok(server.len()) }
//! }
//!
//! async fn total() -> Result<usize, &'static str> {
//!     let servers = [String::from("alpha"), String::from("beta")];
//!     nursery(async |n| {
//!         let first = n.spawn_value(fetch(&servers[0]));
//!         let second = n.spawn_value(fetch(&servers[1]));
//!         Ok(first.await.unwrap_or(0) + second.await.unwrap_or(0))
//!     })
//!     .await // after one second, not two
//! }
//! # let clock: VirtualClock = VirtualClock::new();
//! # let result = pin!(Runtime::new(&clock, total())).run(&mut |until| {
//! #     if let Until::At(tick) = until { clock.advance_to(tick) }
//! # });
//! # assert_eq!(result, Ok(9));
//! ```
//!
//! A **cancel scope** is code that can be told to stop: by hand ([`cancel_scope`]), by a deadline
//! ([`move_on_after`], [`fail_after`]), or because a sibling failed (each nursery and each task is
//! a scope too). Cancelled code is dropped at its next suspension, however deep it is, whether it
//! was awaited or spawned. [`shield`] and [`finally`] protect what must come to its end.
//!
//! Everything runs on one thread, one task at a time, and switches only at an `await` that
//! suspends: a **checkpoint**. Children run concurrently, not in parallel. The nursery's children
//! are polled inside the nursery's own poll, and so only while somebody polls it: this is what
//! makes borrowing sound, and a scope cannot force the code around it to go on polling.
//!
//! A **turn** of the [`Runtime`] takes wakes, fires timers, and polls what is ready and what becomes
//! ready meanwhile: at most 64 polls, in passes in each of which a task is polled at most once. (The
//! root's first, and what it takes to get down to one ready child in each nursery, are not counted.)
//! A nursery makes its next pass by itself as long as nothing outside of it is ready. Between turns
//! somebody else waits: an adapter, your own loop, or a test that moves a [`VirtualClock`].
//!
//! # Cancellation
//!
//! Whoever waits may be dropped instead: by a cancelled scope, a deadline, a race, somebody's `select!`. What is lost then
//! stands under this heading at each function that waits, mostly in one of these words:
//!
//! | word | what it costs to be dropped, and called again |
//! | --- | --- |
//! | **Restartable** | nothing: it is as if it had been called once, later |
//! | **Restartable; loses its place** | a place in a line: it waits behind those that have come meanwhile; nothing that it waits for is lost |
//! | **Restartable; starts anew** | the time that it has waited: it counts from the beginning |
//! | **Lossy** | what is said there, with what to do where that matters |
//!
//! What holds a future of yours costs what that one costs, since dropping the one drops the other: it says "as `body`".
//!
//! # The laws
//!
//! The names are cited in code and tests.
//!
//! 1. **NESTED-POLL**: children are polled, dropped and freed only by their own nursery.
//! 2. **NEVER-REUSED-UNDROPPED**: memory that held a future is reused only after the future was
//!    dropped in place.
//! 3. **WAKERS-ARE-NAMES**: a waker is a name, one word. It owns nothing, and using it is harmless after
//!    everything is gone, from any thread and any interrupt (from a signal handler:
//!    [`wake_from_signal`]).
//! 4. **NO-LOST-WAKE**: a wake after a poll has begun is seen by a later poll, also where other libraries' combinators and
//!    sets of futures are in between.
//! 5. **FAIR**: in a pass each ready task is polled at most once, in the order of the wakes;
//!    timers and I/O get a look after at most 64 polls; who is always ready must yield, but code
//!    that does not suspend when it is told so sees what is ready all the same.
//! 6. **CANCEL-ALWAYS-WORKS**: cancelled code is dropped at its next suspension; only shields and
//!    clean-ups run on, within their grace; a scope is left when everything in it is gone.
//! 7. **NOTHING-LOST**: a nursery ends when all its children have; no child, error, value or place is lost, whatever is
//!    dropped when.
//! 8. **NEVER-EARLY**: no sleep or deadline fires before its time; equal ones fire in the order
//!    they were set.
//! 9. **IDLE-IS-IDLE**: with nothing ready there is no turn to take: no busy wait, no periodic tick.
//! 10. **HOOKS-OBSERVE**: a [`Debugger`] sees everything in order; it can neither break a program nor slow down one without.
//! 11. **ONE-SCHEDULE**: a loop of your own, [`run`](Runtime::run), a test in virtual time, with and without a debugger:
//!     the same polls in the same order.
//! 12. **NO-FUTURELOCK**: what was granted to a future that its task has put aside goes to another one of that task that
//!     waits for the same, when a poll has passed in which the first did not come for it.
//! 13. **NOTHING-OUTLIVES**: what a scope began outside of its tasks (a call on a thread, a write to a file, a process) has
//!     ended when the scope is left, but where its documentation says that it goes on. A future that is dropped without a
//!     cancellation, as by a `select!`, can't wait.
//!
//! # Map
//!
//! | module | what is in it |
//! | --- | --- |
//! | `time`, `counter` | [`Tick`], [`Instant`], [`Clock`], [`VirtualClock`], [`WideCounter`] |
//! | `reason`, `task_info`, `debugger`, `wait` | words: [`Cancelled`], [`TaskId`], [`Event`], [`Next`] |
//! | `kernel` | what all of it is made of, and every unsafe line, in floors of which each names only those below it |
//! | `runtime` | [`Runtime`]: the loop by hand |
//! | `nursery`, `task`, `errors` | [`NurseryScope`], [`Child`], [`Task`], [`ErrorGroup`] |
//! | `storage` | where children live: [`Heap`], [`Arena`] |
//! | `cancel`, `shield` | scopes, deadlines, shields, clean-ups |
//! | `sleep`, `interval`, `gate` | leaf futures, and what every leaf future asks first |
//! | `budgeted` | the same for those of other libraries |
//! | `stop` | the soft stop: [`is_stopping`], [`stopping`], [`until_stopped`] |
//! | `race`, [`results`] | the first of several; many of a kind at once, and what becomes of them |
//! | `streams`, `sinks` | channels, watches and intervals for the combinators of other libraries |
//! | `restart` | supervision: [`keep_running`] |
//! | `task_local` | [`TaskLocal`]: what code inside looks up without being handed it |
//! | [`sync`] | what tasks wait for: events; from interrupts too |
//! | [`channel`] | values from tasks and interrupts to tasks |
//! | [`nb`] | awaiting `embedded-hal-nb` |
//! | [`testing`] | tests in virtual time |
//!
//! # Features
//!
//! Without any there are nurseries in a `static` [`Arena`], wakes from interrupts through `critical-section`, and what needs
//! no more than that. Firmware says `default-features = false`.
//!
//! <!-- features of giambio-core: written by `cargo xtask tables --write` -->
//! | feature | adds | by default |
//! | --- | --- | --- |
//! | `alloc` | Nurseries on the heap beside those in arenas, and groups of errors. | yes |
//! | `std` | One runtime a thread, wakes from other threads, panics that let clean-ups run; `testing`. | yes |
//! | `clock` | The program declares its clock by `clock!`, so that spans cost nothing to convert. Without `std`. |  |
//! | `many-timers` | Timers in a heap instead of a sorted list, which is better from some 80 of them on. `std` has more. | yes |
//! | `one-context` | The program promises by `one_context!` that nobody polls but its loop: fewer critical sections. Without `std`. |  |
//! | `hooks` | The debugger's events, which cost nothing without it. | yes |
//! | `introspect` | `introspect`: all live tasks and scopes, from the root, and what they wait for; names of locks. |  |
//! | `nb` | `nb`, which awaits the operations of `embedded-hal-nb`. | yes |
//! | `heapless` | Channels of fixed size, to tasks from tasks and interrupts: `channel::Channel`, `Broadcast`, `Priority`. | yes |
//! | `embedded-hal-async` | `Delay`, for drivers that are written for `embedded-hal-async`. |  |
//! | `embedded-io-async` | The traits of `embedded-io-async` for `channel::Pipe`. |  |
//! | `futures` | Channels, watches and intervals as streams and sinks, the traits of `futures-core` and `futures-sink`; with `std` pipes by those of `futures-io`. |  |
//! | `defmt` | `DefmtDebugger`, which logs the debugger's events; errors that `defmt` formats. |  |
//! <!-- features of giambio-core: the end -->
//!
//! # Known limits of the language
//!
//! * A nursery's body is an `async` closure: `async |n| …`. A closure that returns an `async`
//!   block, `|n| async move { … }`, can't express how long `n` lives (E0282).
//! * Write the closure in the call. Stored in a `let` first, its type is settled too early, which is
//!   E0282, E0521, E0597 or no error, by what is in it.
//! * In a recursive function, `n.spawn(f(n))` works, and `n.spawn_wait(f(n))` needs a box (E0733).
//! * Where nothing says what the error type is, say it once: `nursery::<_, MyError, _>(async |n| …)`, or
//!   `Ok::<_, MyError>(())`.
//! * A scope learns where it is when it is polled. A foreign set of futures (`FuturesUnordered`, say)
//!   polls only those that were woken: if such a set was polled in one task and goes on in another,
//!   the shields and deadlines in it are known there only after their next wake.
//! * Without feature `std` all tasks of a program run on one core, outside of preemptive threads;
//!   interrupts may wake them, and use what is `Shared` ([`sync`], [`channel`]) without waiting. What breaks this is noticed,
//!   and ends the program, at the latest when something ends that is used elsewhere: a turn, or the poll around a
//!   [`TaskLocal`]. With feature `one-context` it is for the program to see to it ([`OneContext`]).
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", giambio_faults))]
extern crate std;

mod after_stop;
mod budgeted;
mod call_site;
mod cancel;
pub mod channel;
mod counter;
mod debugger;
#[cfg(feature = "defmt")]
mod defmt_log;
#[cfg(feature = "embedded-hal-async")]
mod delay;
mod errors;
mod fault;
mod flag;
mod gate;
mod interval;
#[cfg(feature = "introspect")]
pub mod introspect;
#[cfg(feature = "std")]
mod io_error;
#[allow(unsafe_code)]
mod kernel;
mod lock;
mod name;
#[cfg(feature = "nb")]
pub mod nb;
mod nursery;
mod panics;
mod race;
mod reason;
mod restart;
pub mod results;
mod runtime;
mod shield;
#[cfg(all(feature = "futures", any(feature = "heapless", feature = "alloc")))]
mod sinks;
mod sleep;
mod stop;
mod storage;
#[cfg(feature = "futures")]
mod streams;
pub mod sync;
mod task;
mod task_info;
mod task_local;
#[cfg(feature = "std")]
pub mod testing;
mod then;
mod time;
mod wait;

pub use after_stop::move_on_after_stop;
pub use budgeted::budgeted;
pub use cancel::{CancelScope, cancel_scope, fail_after, fail_at, move_on_after, move_on_at};
pub use counter::WideCounter;
pub use debugger::{Debugger, Event, NoDebugger, Often};
#[cfg(feature = "defmt")]
pub use defmt_log::DefmtDebugger;
#[cfg(feature = "embedded-hal-async")]
pub use delay::Delay;
#[cfg(feature = "alloc")]
pub use errors::ErrorGroup;
#[cfg(giambio_faults)]
#[doc(hidden)]
pub use fault::is_planted as __is_planted;
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub use gate::__census;
#[cfg(feature = "std")]
#[doc(hidden)]
pub use gate::__timers_fired;
#[cfg(feature = "std")]
pub use gate::wake_from_signal;
pub use gate::{Proceed, current_task, in_runtime, is_cancelled, poll_proceed};
pub use interval::{Interval, interval, interval_at};
pub use kernel::one_context::OneContext;
pub use kernel::storage::arena::Arena;
pub use lock::Reachable;
pub use name::TaskName;
#[cfg(not(feature = "std"))]
pub use nursery::run_nursery;
pub use nursery::{Child, Nursery, NurseryScope, SpawnError, nursery_in};
#[cfg(feature = "alloc")]
pub use nursery::{Ready, nursery, nursery_group};
pub use race::{Race, race};
pub use reason::{Cancelled, Reason, TimedOut};
pub use restart::{Attempt, Restart, RestartedChild, keep_running};
pub use runtime::Runtime;
pub use shield::{finally, finally_for, shield, shield_for};
pub use sleep::{Sleep, checkpoint, clock, effective_deadline, sleep, sleep_until};
pub use stop::{is_stopping, stopping, until_stopped};
pub use storage::{Heap, Storage, Unbounded};
pub use task::Task;
pub use task_info::{ErrorText, Status, TaskError, TaskId, TaskInfo, WaitsFor, WokenBy};
pub use task_local::TaskLocal;
pub use time::{Clock, Instant, Tick, VirtualClock};
pub use wait::{Next, Until, Wait};
#[cfg(feature = "std")]
pub use {kernel::threads::TooManyThreads, runtime::claim_thread};
