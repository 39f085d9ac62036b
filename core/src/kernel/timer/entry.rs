//! One deadline.

use core::cell::Cell;
use core::cmp::Ordering;
use core::marker::PhantomPinned;

use crate::fault::fault;
use crate::kernel::list::{Linked, Links};
use crate::kernel::pin_ref::PinRef;

/// A deadline, in ticks, and what comes with it.
pub(crate) struct Timer<T> {
    /// In a list: its links. In a heap: the siblings; the first child's `prev` is its parent.
    links: Links<Timer<T>>,
    pub(super) child: Cell<Option<PinRef<Timer<T>>>>,
    deadline: Cell<u64>,
    /// Tells equal deadlines apart: the one that was set before has the smaller number, as long as fewer than 2^31 were set
    /// between them.
    number: Cell<u32>,
    pub(super) place: Cell<Place>,
    with: T,
    _pinned: PhantomPinned,
}

/// Where in its queue a timer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place(pub(super) u16);

impl Place {
    /// In no queue.
    pub(super) const NONE: Place = Place(u16::MAX);
    /// In the heap of what is near.
    pub(super) const HEAP: Place = Place(u16::MAX - 1);
    /// In the sorted list of what is near.
    #[cfg(feature = "std")]
    pub(super) const SORTED: Place = Place(u16::MAX - 2);
}

impl<T> Timer<T> {
    pub(crate) const fn new(with: T, deadline: u64) -> Self {
        Timer {
            links: Links::new(),
            child: Cell::new(None),
            deadline: Cell::new(deadline),
            number: Cell::new(0),
            place: Cell::new(Place::NONE),
            with,
            _pinned: PhantomPinned,
        }
    }

    /// What comes with the deadline.
    pub(crate) fn with(&self) -> &T {
        &self.with
    }

    /// The deadline that was set last.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.get()
    }

    /// Notes a deadline that it isn't set to yet.
    pub(crate) fn set_deadline(&self, deadline: u64) {
        debug_assert!(!self.is_set(), "a queue has put it where the other deadline belongs");
        self.deadline.set(deadline);
    }

    /// Is it in a queue?
    pub(super) fn is_set(&self) -> bool {
        self.place.get() != Place::NONE
    }

    pub(super) fn begin(&self, deadline: u64, number: u32) {
        self.deadline.set(deadline);
        self.number.set(number);
    }

    /// Which comes first?
    pub(super) fn order(&self, other: &Timer<T>) -> Ordering {
        let (mut mine, mut others) = (self.number.get(), other.number.get());
        if fault!("equal-deadlines-in-any-order") {
            (mine, others) = (others, mine);
        }
        let set_before = || (mine.wrapping_sub(others) as i32).cmp(&0);
        self.deadline.get().cmp(&other.deadline.get()).then_with(set_before)
    }

    pub(super) fn is_sooner(&self, other: &Timer<T>) -> bool {
        self.order(other).is_lt()
    }
}

impl<T> Linked for Timer<T> {
    fn links(&self) -> &Links<Self> {
        &self.links
    }
}

impl<T> core::fmt::Debug for Timer<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline.get()).finish_non_exhaustive()
    }
}
