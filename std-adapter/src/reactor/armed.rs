//! Loops of a thread that wait for the descriptor elsewhere, and what they are owed: what another loop has taken from the
//! system may be for them.
//!
//! They all have one descriptor. Who takes what came makes it readable once more, once: whoever is told and does not look,
//! put aside or forgotten, keeps nobody awake. What they are owed stays so until they look.

use std::cell::Cell;

#[derive(Default)]
pub(super) struct Armed {
    count: Cell<usize>,
    /// Of these, who are owed nothing.
    even: Cell<usize>,
    /// How often something was taken that they may be owed.
    taken: Cell<u64>,
}

/// A loop that is armed, since when.
#[derive(Clone, Copy)]
pub(super) struct Since(u64);

impl Armed {
    pub(super) fn are_there(&self) -> bool {
        self.count.get() > 0
    }

    pub(super) fn begin(&self) -> Since {
        self.count.set(self.count.get() + 1);
        self.even.set(self.even.get() + 1);
        Since(self.taken.get())
    }

    /// It looks, or is gone. Was it owed something?
    pub(super) fn end(&self, since: Since) -> bool {
        self.count.set(self.count.get() - 1);
        let is_owed = since.0 != self.taken.get();
        if !is_owed {
            self.even.set(self.even.get() - 1);
        }
        is_owed
    }

    /// Something was taken by one that is not armed. Is there somebody to be told who was not before?
    #[must_use]
    pub(super) fn owe(&self) -> bool {
        let is_news = self.even.replace(0) > 0;
        if is_news {
            self.taken.set(self.taken.get() + 1);
        }
        is_news
    }

    /// Is somebody owed something?
    pub(super) fn are_owed(&self) -> bool {
        self.even.get() < self.count.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_until_it_looks() {
        let armed = Armed::default();
        assert!(!armed.owe() && !armed.are_owed());
        let first = armed.begin();
        assert!(armed.owe() && armed.are_owed() && !armed.owe());
        let second = armed.begin();
        assert!(armed.owe(), "the second was not told before");
        assert!(!armed.owe());
        assert!(armed.end(second));
        let again = armed.begin();
        assert!(!armed.end(again));
        assert!(armed.are_owed() && armed.are_there());
        assert!(armed.end(first));
        assert!(!armed.are_owed() && !armed.are_there());
    }
}
