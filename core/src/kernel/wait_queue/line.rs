//! The line itself: who came first, and what was handed to whom. It lies under its owner's access, as those in it do.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::task::Waker;

use crate::fault::fault;
use crate::kernel::list::{Linked, Links, List};
use crate::kernel::pin_ref::PinRef;

/// Those who wait. What is handed to one lies with it, so nobody can snatch it; it stays in the line until it comes for it, so
/// that what nobody comes for can be found.
pub(crate) struct Line<G> {
    /// Those to whom something was handed, then those to whom nothing was.
    members: List<Waiter<G>>,
    /// The first to whom nothing was handed.
    next: Cell<Option<PinRef<Waiter<G>>>>,
    /// How often all who waited were told something, and round again.
    round: Cell<u32>,
}

/// One who waits.
pub(super) struct Waiter<G> {
    links: Links<Waiter<G>>,
    /// Whom to wake when something is handed over.
    pub(super) waker: Cell<Option<Waker>>,
    /// The line's, when it joined. Whoever tells all goes on until none of an older round is left that was handed nothing, so
    /// those in line are of as many rounds at most as there are such calls at one moment.
    round: Cell<u32>,
    /// News, or a grant.
    was_handed: Cell<bool>,
    grant: Cell<Option<G>>,
    /// What it asks for, if it says so.
    ask: Option<G>,
    _pinned: PhantomPinned,
}

/// How somebody comes to look at what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn<G> {
    /// By itself.
    New,
    /// It waited when all who did were told something.
    Told,
    /// Something was handed to it, and to nobody else.
    Granted(G),
}

/// One of those who are told.
pub(super) struct Told {
    /// Not yet there if it is just being cloned.
    pub(super) waker: Option<Waker>,
    pub(super) is_last: bool,
}

impl<G> Linked for Waiter<G> {
    fn links(&self) -> &Links<Self> {
        &self.links
    }
}

impl<G> Waiter<G> {
    pub(super) const fn new(ask: Option<G>) -> Self {
        Waiter {
            links: Links::new(),
            waker: Cell::new(None),
            round: Cell::new(0),
            was_handed: Cell::new(false),
            grant: Cell::new(None),
            ask,
            _pinned: PhantomPinned,
        }
    }
}

impl<G> Line<G> {
    pub(super) const fn new() -> Self {
        Line { members: List::new(), next: Cell::new(None), round: Cell::new(0) }
    }

    /// Hands something to the first who waits: `Ok` with its waker, to be woken when nothing is held any more; `Err` if nobody
    /// waits.
    pub(crate) fn grant(&self, grant: G) -> Result<Option<Waker>, G> {
        let Some(first) = self.next.get() else { return Err(grant) };
        first.grant.set(Some(grant));
        Ok(self.hand(first))
    }

    /// Does anyone wait to whom nothing was handed? Then who comes later has to stand behind.
    #[inline]
    pub(crate) fn is_waited_in(&self) -> bool {
        self.next.get().is_some()
    }

    /// What the first who waits asks for.
    #[inline]
    pub(crate) fn first_asks(&self) -> Option<G>
    where
        G: Copy,
    {
        self.next.get()?.ask
    }

    /// What one in line asks for, by its number from the front.
    pub(crate) fn nth_asks(&self, n: usize) -> Option<G>
    where
        G: Copy,
    {
        let first = self.members.first()?;
        (0..n).try_fold(first, |at, _| self.members.after(at))?.ask
    }

    /// All who wait are told, from now on; [`tell`](Line::tell) says whom to wake over it.
    pub(super) fn begin_round(&self) -> u32 {
        self.round.set(self.round.get().wrapping_add(1));
        self.round.get()
    }

    /// The next of those who waited when this round began.
    pub(super) fn tell(&self, round: u32) -> Option<Told> {
        let is_older = |waiter: &PinRef<Waiter<G>>| {
            fault!("newcomers-are-told") || (waiter.round.get().wrapping_sub(round) as i32) < 0
        };
        let first = self.next.get().filter(is_older)?;
        let waker = self.hand(first);
        Some(Told { waker, is_last: !self.next.get().as_ref().is_some_and(is_older) })
    }

    fn hand(&self, first: PinRef<Waiter<G>>) -> Option<Waker> {
        first.was_handed.set(true);
        self.next.set(self.members.after(first));
        first.waker.take()
    }

    /// Has it to wait?
    pub(super) fn has_to_wait(&self, waiter: PinRef<Waiter<G>>) -> bool {
        let is_told = waiter.round.get() != self.round.get() && !fault!("told-by-the-loop-alone");
        waiter.links.are_used() && !waiter.was_handed.get() && !is_told
    }

    /// Joins at the end.
    pub(super) fn join(&self, waiter: PinRef<Waiter<G>>) {
        waiter.round.set(self.round.get());
        self.members.push(waiter);
        if self.next.get().is_none() {
            self.next.set(Some(waiter));
        }
    }

    /// Leaves, if it is in line, with what was handed over.
    ///
    /// # Safety
    /// MEMBER: it is in no other line.
    pub(super) unsafe fn leave(&self, waiter: PinRef<Waiter<G>>) -> Turn<G> {
        if !waiter.links.are_used() {
            return Turn::New;
        }
        if self.next.get().is_some_and(|next| next.is(waiter)) {
            self.next.set(self.members.after(waiter));
        }
        // SAFETY: MEMBER, by contract.
        unsafe { self.members.remove(waiter) };
        waiter.was_handed.set(false);
        waiter.grant.take().map_or(Turn::Told, Turn::Granted)
    }
}
