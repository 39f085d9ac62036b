//! Deadlines, soonest first. They lie in what waits for them, so that setting one needs no memory and can't fail; equal ones come
//! in the order in which they were set.
//!
//! Most deadlines guard work that ends in time: the common life of a timer is to be set and taken away, with nothing due.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `entry` | [`Timer`]: one deadline, and what comes with it |
//! | `pairing_heap` | timers in their full order |
//! | `wheel` | timers by the span in which they come, for any number of them |
//! | `popped` | the answer of a queue that is asked what is due |
//! | `few`, `many` | the queue: of a heap alone, or of what is near and a wheel |

mod entry;
#[cfg(not(feature = "std"))]
mod few;
#[cfg(feature = "std")]
mod many;
mod pairing_heap;
mod popped;
#[cfg(all(test, feature = "std"))]
mod tests;
#[cfg(feature = "std")]
mod wheel;

pub(crate) use entry::Timer;
pub(crate) use popped::Popped;

/// The timers of a runtime. A server's are many, a microcontroller's are few.
#[cfg(not(feature = "std"))]
pub(crate) type TimerQueue<T> = few::Few<T>;
/// The timers of a runtime. A server's are many, a microcontroller's are few.
#[cfg(feature = "std")]
pub(crate) type TimerQueue<T> = many::Many<T, 6>;
