//! Deadlines, soonest first. They lie in what waits for them, so that setting one needs no memory and can't fail; equal ones
//! come in the order in which they were set.
//!
//! Most deadlines guard work that ends in time: the common life of a timer is to be set and taken away, with nothing due.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `entry` | [`Timer`]: one deadline, and what comes with it |
//! | `pairing_heap` | timers in their full order |
//! | `wheel` | timers by the span in which they come, for any number of them |
//! | `popped` | the answer of a queue that is asked what is due |
//! | `few` | the queue of most chips: a sorted list |
//! | `more` | that of chips with feature `many-timers`: a heap alone |
//! | `many` | that of feature `std`: a heap of what is near, and a wheel |

#[cfg(feature = "many-timers")]
mod entry;
#[cfg(not(feature = "many-timers"))]
mod few;
#[cfg(feature = "std")]
mod many;
#[cfg(all(feature = "many-timers", not(feature = "std")))]
mod more;
#[cfg(feature = "many-timers")]
mod pairing_heap;
mod popped;
#[cfg(all(test, feature = "std"))]
mod tests;
#[cfg(feature = "std")]
mod wheel;

pub(crate) use popped::Popped;

// The timers of a runtime. A server's are many, a microcontroller's are few.
#[cfg(feature = "std")]
pub(crate) use entry::Timer;
#[cfg(not(feature = "many-timers"))]
pub(crate) use few::{Few as TimerQueue, Timer};
#[cfg(all(feature = "many-timers", not(feature = "std")))]
pub(crate) use {entry::Timer, more::More as TimerQueue};
#[cfg(feature = "std")]
pub(crate) type TimerQueue<T> = many::Many<T, 6>;
