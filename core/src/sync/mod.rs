//! What tasks wait for, of each other and of interrupts. For values that go from one to another there are `channel`s.
//!
//! Of each there are two kinds, which differ in who may use one. [`Local`], the default, is for the tasks of one runtime, and
//! needs no lock: `Event::new()`. [`Shared`] is for everybody: interrupt handlers of any priority, tasks, and with feature
//! `std` any thread (not signal handlers: there, [`wake_from_signal`] wakes). It lies in a `static`, or is borrowed, and
//! masks interrupts for some dozen instructions at a time: `Event::shared()`.
//!
//! ```
//! use giambio_core::sync::{Event, Semaphore, Shared};
//!
//! // With a name, by which those who look on know it.
//! static PRESSED: Event<Shared> = Event::shared().named("button");
//! static LINES: Semaphore<Shared> = Semaphore::shared(2).named("lines");
//!
//! let is_set_up = Event::new(); // of the tasks of this runtime alone
//! is_set_up.set();
//! PRESSED.set();
//! assert!(is_set_up.is_set() && PRESSED.is_set() && LINES.free() == 2);
//! ```
//!
//! Nothing here needs a heap. A task that is told is polled later, never inside of who tells it.
//!
//! A future that was ready, and is polled again, asks anew. (What has made a value or run code to its end panics.) What is
//! forgotten (`mem::forget`) keeps what it has: a guard the lock, a permit its count, a future in line its place, what it was
//! promised, and those behind it waiting.
//!
//! | what it is about | what to take | bytes (32 bits) |
//! | --- | --- | --- |
//! | look at the hardware | [`WakerSlot`], mostly inside of a driver; see [`nb::wait`] | 8 |
//! | it has happened | [`Event`] | 16 |
//! | here is a value | `channel::Channel` (feature `heapless`) | 64 and the values |
//! | a value that one uses at a time, not across an `await` | [`Cell`], [`RefCell`]: on one thread nobody else runs meanwhile | |
//! | one that is used across an `await`: a bus, a connection | [`Mutex`] | 28 and the value |
//! | the same, where most only look, and wait while they do | [`RwLock`] | 16 and the value |
//! | one that is made once, when it is needed first | [`OnceCell`] | 28 and the value |
//! | the latest of one: a setting, a measurement | [`Watch`] | 20 and the value |
//! | how much may go on at once | [`Semaphore`] | 24 |
//! | the same, where that changes, and who is at it is asked for | [`Limiter`] | 36 |
//! | anything can be found now, wherever that lies | [`Condition`] | 16 |
//! | all of some have come | [`Barrier`] | 24 |
//! | so much has happened, once; who counts does not wait | [`Latch`] | 16 |
//!
//! [`Cell`]: core::cell::Cell
//! [`RefCell`]: core::cell::RefCell
//! [`wake_from_signal`]: crate::wake_from_signal
//! [`nb::wait`]: crate::nb::wait

mod barrier;
mod condition;
mod event;
mod inside;
mod latch;
mod limiter;
mod mutex;
mod once_cell;
mod rw_lock;
mod semaphore;
mod waker_slot;
mod watch;

pub use barrier::Barrier;
pub use condition::Condition;
pub use event::Event;
pub use latch::Latch;
pub use limiter::{Holder, Limiter};
pub use mutex::{Mutex, MutexGuard};
pub use once_cell::{OnceCell, SetError};
pub use rw_lock::{ReadGuard, RwLock, WriteGuard};
pub use semaphore::{AcquireError, Permit, Semaphore, TryAcquireError};
pub use waker_slot::WakerSlot;
pub use watch::{Watch, Watcher};

pub use crate::kernel::wait_queue::{Access, Local, Shared};
