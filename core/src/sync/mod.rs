//! What tasks wait for, and what interrupts say to them: wake one, set an [`Event`], push into a [`Queue`].
//!
//! Of each there are two kinds, which differ in who may use one. [`Local`], the default, is for the tasks of one runtime, and needs
//! no lock: `Event::new()`. [`Shared`] is for everybody: interrupt handlers of any priority, tasks, and with feature `std` any
//! thread (not signal handlers: there, [`wake_from_signal`] wakes). It lies in a `static`, or is borrowed, and masks
//! interrupts for some dozen instructions at a time: `Event::shared()`.
//!
//! Nothing here needs a heap. A task that is told is polled later, never inside of who tells it.
//!
//! | what there is to say | what says it | bytes (32 bits) |
//! | --- | --- | --- |
//! | look at the hardware | [`WakerSlot`], mostly inside of a driver; see [`nb::wait`] | 8 |
//! | it has happened | [`Event`] | 16 |
//! | here is a value | [`Queue`] (feature `heapless`) | 32 and the values |
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

pub use crate::kernel::wait_queue::{Access, Local, Shared};
