//! Many of a kind at once, and what becomes of them: functions over nurseries.
//!
//! | wanted | function | ends when |
//! | --- | --- | --- |
//! | something done with each, so many at once | [`for_each`] | all are done, or one fails |
//! | the same, with the results in order | [`map_all`] | all are done, or one fails |
//! | each result, as it comes | [`as_completed`] | the caller has seen enough |
//! | all results, good and bad | [`all_settled`] | all are ready |
//! | one good result, whoever has it | [`first_ok`] | one is good, or all have failed |
//!
//! What is not needed any more is cancelled, and has ended when these end, clean-ups too. In an arena, without a heap, there
//! are [`for_each_in`], and for arrays, whose results are arrays, [`map_all_in`], [`all_settled_in`] and [`first_ok_in`].
//! Results as they come are there what children send through a [`Channel`](crate::channel) of as many places as one likes.

mod all_settled;
#[cfg(feature = "alloc")]
mod as_completed;
mod first_ok;
mod for_each;
mod map_all;
mod places;

#[cfg(feature = "alloc")]
pub use all_settled::all_settled;
pub use all_settled::all_settled_in;
#[cfg(feature = "alloc")]
pub use as_completed::{Completed, as_completed};
pub use first_ok::first_ok_in;
#[cfg(feature = "alloc")]
pub use first_ok::{NoneOk, first_ok};
#[cfg(feature = "alloc")]
pub use for_each::for_each;
pub use for_each::for_each_in;
#[cfg(feature = "alloc")]
pub use map_all::map_all;
pub use map_all::map_all_in;
