//! What keeps interrupts out, and cells that an interrupt may look at. How much is kept out is said by ONE-CONTEXT.
//!
//! | file | chosen |
//! | --- | --- |
//! | `alone` | with feature `std`: the state belongs to one thread; others leave their wakes in a [mailbox](super::memory::mailbox) |
//! | `kept_out` | without: there is one state for the program, and each transaction of who polls is a critical section |
//! | `promised` | where the program has promised that nobody else polls: only what a wake changes is in one |
//! | `words` | what the last two have in common |
//!
//! | name | what it is |
//! | --- | --- |
//! | `masked` | keeps interrupts out |
//! | `transaction` | around what lists, counts and marks change together, that others who poll would reach |
//! | `within` | around what a wake changes too, inside of a transaction |
//! | `Byte`, `Pointer` | cells that a wake may look at |
//! | `Word`, `Half`, `Mark`, `Place` | cells that none but who polls looks at: words, halves and quarters of them, pointers |

#[cfg(feature = "std")]
mod alone;
#[cfg(not(any(feature = "std", all(feature = "one-context", not(feature = "hooks")))))]
mod kept_out;
// A debugger is told of wakes where they happen, and what it is told lies in what transactions keep: so with `hooks` they stay.
#[cfg(all(feature = "one-context", not(any(feature = "std", feature = "hooks"))))]
mod promised;
#[cfg(not(feature = "std"))]
mod words;

/// Are there interrupts? They may come between any two steps.
pub(crate) const HAS_INTERRUPTS: bool = cfg!(not(feature = "std"));

/// May another core or thread poll, by mistake, while this one does? Where its memory would be used for longer than it is
/// there, that ends the program.
pub(crate) const OTHERS_MAY_POLL: bool = cfg!(not(any(feature = "std", feature = "one-context")));

#[cfg(feature = "std")]
pub(crate) use alone::{Byte, Half, Mark, Place, Pointer, Word, masked, transaction, within};
#[cfg(not(any(feature = "std", all(feature = "one-context", not(feature = "hooks")))))]
pub(crate) use kept_out::{Half, Mark, Place, Word, transaction, within};
#[cfg(all(feature = "one-context", not(any(feature = "std", feature = "hooks"))))]
pub(crate) use promised::{Half, Mark, Place, Word, transaction, within};
#[cfg(not(feature = "std"))]
pub(crate) use words::{Byte, Pointer, masked};
