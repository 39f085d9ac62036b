//! From interrupts to tasks: wake one, set an [`Event`], push into a [`Queue`].
//!
//! Everything here may be used from interrupt handlers of any priority, from tasks, and with
//! feature `std` from any thread (not from a signal handler: there, [`wake_from_signal`] wakes).
//! Each lies in a `static`, needs no heap and no `unsafe`, and masks interrupts for some dozen
//! instructions at a time. The task is polled in the loop's next turn, never inside the handler.
//!
//! | what the handler has to say | what says it | bytes (32 bits) |
//! | --- | --- | --- |
//! | look at the hardware | [`WakerSlot`], mostly inside of a driver; see [`nb::wait`] | 8 |
//! | it has happened | [`Event`] | 12 |
//! | here is a value | [`Queue`] (feature `heapless`) | 24 and the values |
//!
//! [`wake_from_signal`]: crate::wake_from_signal
//! [`nb::wait`]: crate::nb::wait

mod event;
#[cfg(feature = "heapless")]
mod queue;
mod waker_slot;

pub use event::Event;
#[cfg(feature = "heapless")]
pub use queue::{Queue, QueueFull};
pub use waker_slot::WakerSlot;
