//! What is known of the clock: of the one that a runtime was given, what it says in a turn; of the one that a program without
//! `std` has [declared](crate::clock!), everything, when the program is linked. Both offer the same names.
//!
//! | name | what it is |
//! | --- | --- |
//! | `Current` | what is known of the clock of the turn that is under way |
//! | `Given`, `Bound` | how a runtime is given one, and where it is found during a turn |
//! | `Target` | when a sleep ends |
//! | `Due`, `Period` | when an interval ticks next, and how often |

#[cfg(not(all(feature = "clock", not(feature = "std"))))]
mod given;
#[cfg(all(feature = "clock", not(feature = "std")))]
#[path = "declared.rs"]
mod given;

pub(crate) use given::{Bound, Current, Due, Given, Period, Target, given};
