//! Values on their way from tasks to tasks.
//!
//! | what there is to say | what carries it |
//! | --- | --- |
//! | values, each to one who receives; who sends waits while it is full | [`Channel`] (feature `heapless`) |
//! | the same, of a size that is chosen while the program runs | [`Growable`] (feature `alloc`) |
//! | the same, where nobody who sends can wait | [`Unbounded`] (feature `alloc`) |
//! | the same, where the most urgent comes first | [`Priority`] (feature `heapless`), [`GrowablePriority`] (feature `alloc`) |
//! | values from hand to hand, so that who sends knows that somebody has it | [`Rendezvous`] (feature `heapless` or `alloc`) |
//! | bytes, as a stream | [`Pipe`] (feature `heapless` or `alloc`) |
//! | one value, once: an answer | [`OneShot`] |
//! | the same values to all who listen; who is too slow misses some, and is told | [`Broadcast`] (feature `heapless`), [`GrowableBroadcast`] (feature `alloc`) |
//! | the latest of a value, whatever was before | [`Watch`](crate::sync::Watch) |
//!
//! All of them lie anywhere, and are borrowed by those who use them: no `Arc`, no pair of ends. Of each there are two kinds, as
//! of all in [`sync`](crate::sync): `Local`, the default, for the tasks of one runtime, without any lock, by `new()`; and
//! [`Shared`](crate::sync::Shared), for `static`s, interrupt handlers and with feature `std` other threads, by `shared()`.
//! All that one of these has, values, counts and who waits, is touched under its one lock alone, a critical section or a
//! mutex, and there are no atomics besides; so what threads see of each other is what that lock makes them see.
//!
//! ```
//! # #[cfg(feature = "heapless")] {
//! use giambio_core::channel::{Channel, OneShot};
//! use giambio_core::sync::Shared;
//!
//! static READINGS: Channel<u16, 8, Shared> = Channel::shared().named("readings"); // interrupts may send
//!
//! let answer = OneShot::new(); // of the tasks of one runtime
//! READINGS.try_send(20).unwrap();
//! answer.send(READINGS.try_receive()).unwrap();
//! assert_eq!(answer.try_receive(), Ok(Ok(20)));
//! # }
//! ```
//!
//! # How it ends
//! [`close`](Channel::close) says that nothing more is sent. Values that are in the channel are still received, and then
//! whoever receives is told [`Closed`]: not before the last is received, for one that is promised to somebody may yet be
//! another's. (A future that was promised a value, and is forgotten, keeps the others waiting, as a slot does.) Who waits to
//! send gets its value back at once. A future that was ready, and is polled again, asks anew; one that has no value to send
//! any more panics. Or let the ends be counted: [`sender`](Channel::sender) and [`receiver`](Channel::receiver) make some,
//! and the last of a side that is dropped closes the channel. Both borrow the channel, so that what is left in it when all
//! have ended can be [drained](Channel::drain).
//!
//! # What is lost
//! Nothing: a value is in a channel, or with who has received it, or handed back to who wanted to send it. A value that
//! somebody waited for, and was promised, and was not fetched, goes to the next, and so does a place.
//! A value's destructor never runs inside of a channel's critical section.
//!
//! # Panics
//! Wakers of other executors may panic. Such a panic comes out of the call that wakes, when what it does is done, and all
//! others that it wakes are woken. What the call was to return goes with it:
//!
//! | where a waker panics | what goes with the panic |
//! | --- | --- |
//! | of a sender, as a value is received, tried or drained | that value, and no other: it had been taken, and its place is the next sender's |
//! | of a receiver, as a value is sent | nothing: it is in the channel, or at a rendezvous still the sender's, who may poll again |
//! | on either side of a [`Pipe`] | how many bytes were moved; [`SendAll`] and [`ReceiveExact`] know it still |
//! | as one is closed, an answer or news are sent, an end or a slot is dropped | nothing |

#[cfg(feature = "heapless")]
mod bounded;
#[cfg(feature = "heapless")]
mod broadcast;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod buffer;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod buffered;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod carrier;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod counts;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod deliver;
#[cfg(all(feature = "embedded-io-async", any(feature = "heapless", feature = "alloc")))]
mod embedded_io;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod ends;
mod errors;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod flow;
#[cfg(all(feature = "futures", feature = "std"))]
mod futures_io;
#[cfg(feature = "alloc")]
mod growable;
#[cfg(feature = "alloc")]
mod growable_broadcast;
#[cfg(feature = "alloc")]
mod growable_priority;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod held;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod methods;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod news;
mod oneshot;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod pipe;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod pipe_ends;
#[cfg(feature = "alloc")]
mod places;
#[cfg(feature = "heapless")]
mod priority;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod ranked;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod rendezvous;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod rendezvous_ends;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod ring;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod send;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod slot;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod subscriber;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod table;
#[cfg(feature = "alloc")]
mod unbounded;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod whole;

#[cfg(feature = "heapless")]
pub use bounded::Channel;
#[cfg(feature = "heapless")]
pub use broadcast::Broadcast;
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use carrier::{Carrier, Ends};
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use ends::{Receiver, Sender};
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use errors::{BroadcastError, EndedEarly};
pub use errors::{Closed, SendError, TryReceiveError, TrySendError};
#[cfg(feature = "alloc")]
pub use growable::Growable;
#[cfg(feature = "alloc")]
pub use growable_broadcast::GrowableBroadcast;
#[cfg(feature = "alloc")]
pub use growable_priority::GrowablePriority;
pub use oneshot::{OneShot, OneShotSender};
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use pipe::Pipe;
#[cfg(feature = "heapless")]
pub use priority::Priority;
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use rendezvous::{HandOver, Rendezvous};
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use send::Send;
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use slot::Slot;
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use subscriber::{Broadcasts, Subscriber};
#[cfg(feature = "alloc")]
pub use unbounded::Unbounded;
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub use whole::{InTurn, ReceiveExact, SendAll};
