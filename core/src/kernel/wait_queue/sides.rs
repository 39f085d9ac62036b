//! What has two lines: of those who send something, and of those who receive it.

use core::panic::{RefUnwindSafe, UnwindSafe};

use super::access::{Access, Crosses};
use super::line::Line;
use super::waiting::{Awaits, Held, Lead};
use crate::name::GivenName;
use crate::task_info::TaskId;

/// Something between two sides, under one access, and who waits on either side. What is handed over is leave to go on: a place,
/// or something that is there.
pub(crate) struct Sides<S, K: Access> {
    guard: K::Guard,
    inside: Inside<S>,
}

/// What is under the access.
pub(crate) struct Inside<S> {
    pub(crate) state: S,
    pub(crate) senders: Line<()>,
    pub(crate) receivers: Line<()>,
}

/// Leads to the line of those who send.
pub(crate) struct Senders<'a, S, K: Access>(&'a Sides<S, K>);

/// Leads to the line of those who receive.
pub(crate) struct Receivers<'a, S, K: Access>(&'a Sides<S, K>);

// SAFETY: it moves only while nobody who waits borrows it. One who was forgotten stays in line, and is touched from here alone.
unsafe impl<S: Send, K: Access> Send for Sides<S, K> {}

// SAFETY: state, lines and those in them are touched only inside `with`, which is a lock for these kinds.
unsafe impl<S: Send, K: Crosses> Sync for Sides<S, K> {}

// Nothing panics half-way.
impl<S, K: Access> UnwindSafe for Sides<S, K> {}
impl<S, K: Access> RefUnwindSafe for Sides<S, K> {}

impl<S, K: Access> Sides<S, K> {
    pub(crate) const fn new(state: S) -> Self {
        Sides { guard: K::OPEN, inside: Inside { state, senders: Line::new(), receivers: Line::new() } }
    }

    /// Gives it a name, for those who look on.
    pub(crate) const fn set_name(&mut self, name: &'static str) {
        self.inside.senders.name = GivenName::new(name);
        self.inside.receivers.name = GivenName::new(name);
    }

    /// Looks at what is inside, or changes it. It must be short, and call nobody.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&Inside<S>) -> R) -> R {
        K::alone(&self.guard, || f(&self.inside))
    }

    pub(crate) const fn senders(&self) -> Senders<'_, S, K> {
        Senders(self)
    }

    pub(crate) const fn receivers(&self) -> Receivers<'_, S, K> {
        Receivers(self)
    }
}

/// Nobody has what is between two sides.
impl<S> Held for Inside<S> {}

impl<S, K: Access> Awaits for Sides<S, K> {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.with(|inside| (inside.senders.name.get(), None))
    }
}

impl<S, K: Access> Senders<'_, S, K> {
    /// Tells all who wait to send.
    pub(crate) fn tell_all(&self) {
        Lead::tell_all(self, |_| ());
    }
}

impl<S, K: Access> Receivers<'_, S, K> {
    /// Tells all who wait to receive.
    pub(crate) fn tell_all(&self) {
        Lead::tell_all(self, |_| ());
    }
}

// SAFETY: what it leads to is borrowed, so it stays where it is; and `with` excludes others, or there are none.
unsafe impl<S, K: Access> Lead for Senders<'_, S, K> {
    type State = Inside<S>;
    type Grant = ();

    fn with<R>(&self, f: impl FnOnce(&Inside<S>, &Line<()>) -> R) -> R {
        self.0.with(|inside| f(inside, &inside.senders))
    }
}

// SAFETY: as above.
unsafe impl<S, K: Access> Lead for Receivers<'_, S, K> {
    type State = Inside<S>;
    type Grant = ();

    fn with<R>(&self, f: impl FnOnce(&Inside<S>, &Line<()>) -> R) -> R {
        self.0.with(|inside| f(inside, &inside.receivers))
    }
}
