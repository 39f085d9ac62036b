//! A waker that is kept for later, or none.

use core::cell::Cell;
use core::task::Waker;

use super::mask::masked;
use crate::fault::fault;

/// Touched with interrupts kept out (ONE-CONTEXT), or under one and the same lock. Its destructor drops the waker, which may be
/// anybody's code: where that matters, whoever has it takes the waker out before.
pub(crate) struct WakerCell(Cell<Option<Waker>>);

impl WakerCell {
    pub(crate) const fn new() -> Self {
        WakerCell(Cell::new(None))
    }

    pub(super) fn peek(&self) -> Option<&Waker> {
        // SAFETY: ONE-CONTEXT, and the callers compare it and look at its parts, no more: nothing replaces it meanwhile.
        unsafe { (*self.0.as_ptr()).as_ref() }
    }

    /// Is none kept?
    pub(crate) fn is_empty(&self) -> bool {
        self.peek().is_none()
    }

    /// Is this the one?
    pub(crate) fn is(&self, waker: &Waker) -> bool {
        self.peek().is_some_and(|kept| kept.will_wake(waker))
    }

    /// Takes it out.
    pub(crate) fn take(&self) -> Option<Waker> {
        // Most often there is none, which needs no write.
        if self.peek().is_none() { None } else { self.0.take() }
    }

    /// The same for who has it alone.
    pub(super) fn take_mut(&mut self) -> Option<Waker> {
        self.0.get_mut().take()
    }

    /// Keeps another. What was kept before is to be dropped with nothing borrowed.
    pub(crate) fn replace(&self, new: Waker) -> Option<Waker> {
        self.0.replace(Some(new))
    }

    /// Keeps a waker; says whether it was the one kept before.
    ///
    /// Cloning and dropping a foreign waker runs foreign code, so neither happens with interrupts kept out (NO-CALL-OUT), and a
    /// waker that is kept already is not cloned again.
    pub(crate) fn keep(&self, new: &Waker) -> bool {
        let known = masked(|| self.is(new) || self.peek().is_some() && fault!("old-waker-kept"));
        if !known {
            let new = new.clone();
            drop(masked(|| self.0.replace(Some(new))));
        }
        known
    }
}
