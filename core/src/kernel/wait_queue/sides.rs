//! What has two lines: of those who send something, and of those who receive it.

use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;
use core::task::Waker;

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

/// One of the two.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
#[derive(Clone, Copy)]
pub enum Side {
    Sends,
    Receives,
}

/// What lies between two sides.
pub(crate) trait Between: Sized {
    /// What was promised to one of a side is promised to nobody.
    fn take_back(inside: &Inside<Self>, side: Side);
    /// What was taken back is for the next of that side: whom to wake.
    fn serve(inside: &Inside<Self>, side: Side) -> Option<Waker>;
}

/// Leads to the line of a side. Both have it in one type, and so one code; what is there at once is got without asking which.
pub(crate) struct End<'a, S, K: Access> {
    sides: &'a Sides<S, K>,
    line: &'a Line<()>,
}

// SAFETY: as a reference to the sides, in which the line is touched only inside `with`.
unsafe impl<S: Send, K: Crosses> Send for End<'_, S, K> {}
// SAFETY: as above.
unsafe impl<S: Send, K: Crosses> Sync for End<'_, S, K> {}

// Nothing panics half-way.
impl<S, K: Access> UnwindSafe for End<'_, S, K> {}
impl<S, K: Access> RefUnwindSafe for End<'_, S, K> {}

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

    pub(crate) const fn end(&self, side: Side) -> End<'_, S, K> {
        End { sides: self, line: self.inside.line(side) }
    }
}

impl<S: Between, K: Access> Sides<S, K> {
    /// Tells all who wait of a side.
    pub(crate) fn tell_all(&self, side: Side) {
        Lead::tell_all(&self.end(side), |_| ());
    }
}

impl<S> Inside<S> {
    pub(crate) const fn line(&self, side: Side) -> &Line<()> {
        match side {
            Side::Sends => &self.senders,
            Side::Receives => &self.receivers,
        }
    }
}

/// Nobody has what is between two sides.
impl<S> Held for Inside<S> {}

impl<S, K: Access> Awaits for Sides<S, K> {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.with(|inside| (inside.senders.name.get(), None))
    }
}

impl<S, K: Access> End<'_, S, K> {
    fn side(&self) -> Side {
        if ptr::eq(self.line, &self.sides.inside.senders) { Side::Sends } else { Side::Receives }
    }
}

// SAFETY: what it leads to is borrowed, so it stays where it is; and `with` excludes others, or there are none.
unsafe impl<S: Between, K: Access> Lead for End<'_, S, K> {
    type State = Inside<S>;
    type Grant = ();

    fn with<R>(&self, f: impl FnOnce(&Inside<S>, &Line<()>) -> R) -> R {
        self.sides.with(|inside| f(inside, self.line))
    }

    fn take_back(&self, inside: &Inside<S>) {
        S::take_back(inside, self.side());
    }

    fn pass_on(&self, inside: &Inside<S>, _: &Line<()>, late: Option<()>) -> Option<Waker> {
        let () = late?;
        S::take_back(inside, self.side());
        S::serve(inside, self.side())
    }
}
