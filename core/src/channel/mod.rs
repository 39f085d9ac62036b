//! Values on their way from tasks to tasks.
//!
//! | what there is to say | what carries it |
//! | --- | --- |
//! | values, each to one who receives; who sends waits while it is full | [`Channel`] (feature `heapless`) |
//!
//! All of them lie anywhere, and are borrowed by those who use them: no `Arc`, no pair of ends. Of each there are two kinds, as
//! of all in [`sync`](crate::sync): `Local`, the default, for the tasks of one runtime, without any lock, by `new()`; and
//! [`Shared`](crate::sync::Shared), for `static`s, interrupt handlers and with feature `std` other threads, by `shared()`.
//!
//! # How it ends
//! [`close`](Channel::close) says that nothing more is sent. Values that are in the channel are still received, and then
//! whoever receives is told [`Closed`]. Who waits to send gets its value back at once. Or let the ends be counted:
//! [`sender`](Channel::sender) and [`receiver`](Channel::receiver) make some, and the last of a side that is dropped closes the channel.
//! Both borrow the channel, so that what is left in it when all have ended can be [drained](Channel::drain).
//!
//! # What is lost
//! Nothing: a value is in a channel, or with who has received it, or handed back to who wanted to send it. A value that
//! somebody waited for, and was promised, and was not fetched, goes to the next, and so does a place.
//! A value's destructor never runs inside of a channel's critical section.
//!
//! # Panics
//! Wakers of other executors may panic. Such a panic comes out of the call that wakes, when what it does is done.

mod bounded;
mod buffer;
mod buffered;
mod carrier;
mod deliver;
mod ends;
mod errors;
mod send;
mod slot;

pub use bounded::Channel;
pub use carrier::Carrier;
pub use ends::{Receiver, Sender};
pub use errors::{Closed, SendError, TryReceiveError, TrySendError};
pub use send::Send;
pub use slot::Slot;
