//! What a queue has to say about a moment.

/// See the module.
pub(crate) enum Popped<T> {
    /// The time of this one has come; it has left the queue.
    Due(T),
    /// One operation's share of work is done, and there is more to be done: ask again. Others may have their turn before.
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "few timers leave nothing to be done"))]
    More,
    /// Nothing is due.
    Nothing,
}

impl<T> Popped<T> {
    /// Makes something else of what is due.
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Popped<U> {
        match self {
            Popped::Due(due) => Popped::Due(f(due)),
            Popped::More => Popped::More,
            Popped::Nothing => Popped::Nothing,
        }
    }
}
