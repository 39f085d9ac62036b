//! The line itself: who came first, and what was handed to whom. It lies under its owner's access, as those in it do.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::mem::ManuallyDrop;
use core::ptr;
use core::task::Waker;

use crate::fault::fault;
use crate::kernel::context::{Context, now};
use crate::kernel::list::{Linked, Links, List};
use crate::kernel::pin_ref::PinRef;
use crate::kernel::task::header::{DIRECT, Header};
use crate::kernel::waker::waker;
use crate::name::GivenName;

/// Those who wait. What is handed to one lies with it, so nobody can snatch it; it stays in the line until it comes for it, so
/// that what nobody comes for can be found.
pub(crate) struct Line<G> {
    /// Those to whom something was handed, then those to whom nothing was.
    members: List<Waiter<G>>,
    /// The first to whom nothing was handed.
    next: Cell<Option<PinRef<Waiter<G>>>>,
    /// How often all who waited were told something, and round again.
    round: Cell<u32>,
    /// What they wait for.
    pub(super) name: GivenName,
}

/// One who waits.
pub(super) struct Waiter<G> {
    links: Links<Waiter<G>>,
    /// Whom to wake when something is handed over.
    pub(super) waker: Cell<Option<Waker>>,
    /// The task in whose poll that was left, with its own waker or another one; null where there is none. For comparing.
    task: Cell<*const Header>,
    /// The line's, when it joined. Whoever tells all goes on until none of an older round is left that was handed nothing, so
    /// those in line are of as many rounds at most as there are such calls at one moment.
    ///
    /// After a grant: `UNSEEN`, or twice the number of the poll of its task in which another one found last that it has it;
    /// with `PASSED` if all of the task's code is polled in that, and it began after the grant.
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

/// Nobody has found it yet.
const UNSEEN: u32 = 0;
/// Unless it is polled in the poll that is noted, it is passed over.
const PASSED: u32 = 1;

/// What was granted to other futures of the task that is being polled.
pub(super) enum Left<G> {
    Nothing,
    /// It may still come for it in this poll.
    Seen,
    /// It did not come for it in a whole poll.
    Passed(G, Option<Waker>),
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
            task: Cell::new(ptr::null()),
            round: Cell::new(0),
            was_handed: Cell::new(false),
            grant: Cell::new(None),
            ask,
            _pinned: PhantomPinned,
        }
    }

    /// What it asks for, if it says so.
    pub(super) fn asks(&self) -> Option<G>
    where
        G: Copy,
    {
        self.ask
    }

    /// It was granted something, and another one of its task finds that in the poll that is under way: was it passed over in a
    /// whole one? `None`: it was found in this poll already.
    fn is_passed_over(&self) -> Option<bool> {
        let (poll, woken) = now(|context| (context.poll.get() << 1, context.woken.get()));
        let found = self.round.get();
        if found & PASSED != 0 || fault!("taken-over-at-once") {
            return (found & !PASSED != poll).then_some(true);
        }
        if found == UNSEEN {
            // In this poll it may have been passed over before it was granted anything.
            self.round.set(poll);
        } else if found != poll {
            // Where the task was woken for a child, not all of its code is polled.
            self.round.set(poll | if woken & DIRECT != 0 { PASSED } else { 0 });
        } else {
            return None;
        }
        Some(false)
    }

    /// Whom to wake, until its next poll.
    pub(super) fn set_waker(&self, waker: Waker) {
        self.waker.set(Some(waker));
        if is_granted::<G>() {
            self.task.set(now(|context| context.task.get()));
        }
    }
}

/// Is such a thing ever granted? Where it isn't, there is no code for it.
const fn is_granted<G>() -> bool {
    size_of::<Option<G>>() != 0
}

impl<G> Line<G> {
    pub(super) const fn new() -> Self {
        Line { members: List::new(), next: Cell::new(None), round: Cell::new(0), name: GivenName::NONE }
    }

    /// Hands something to the first who waits: `Ok` with its waker, to be woken when nothing is held any more; `Err` if nobody
    /// waits.
    pub(crate) fn grant(&self, grant: G) -> Result<Option<Waker>, G> {
        let Some(first) = self.next.get() else { return Err(grant) };
        first.grant.set(Some(grant));
        first.round.set(UNSEEN);
        Ok(self.hand(first))
    }

    /// Does anyone wait to whom nothing was handed? Then who comes later has to stand behind.
    pub(crate) fn is_waited_in(&self) -> bool {
        self.next.get().is_some()
    }

    /// What the first who waits asks for.
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

    /// How many wait to whom nothing was handed.
    pub(super) fn count_waiting(&self) -> usize {
        let (mut n, mut at) = (0, self.next.get());
        while let Some(waiter) = at {
            n += 1;
            at = self.members.after(waiter);
        }
        n
    }

    /// The wakers of those, as far as there is room for them.
    #[cfg(feature = "alloc")]
    pub(super) fn take_wakers(&self, wakers: &mut alloc::vec::Vec<Waker>) {
        let mut at = self.next.get();
        while let Some(waiter) = at.filter(|_| wakers.len() < wakers.capacity()) {
            wakers.extend(waiter.waker.take());
            at = self.members.after(waiter);
        }
    }

    /// The waker of one of those, by its number from the front. It leaves another one in its next poll.
    #[cfg(not(feature = "alloc"))]
    pub(super) fn take_waker(&self, n: usize) -> Option<Waker> {
        let first = self.next.get()?;
        (0..n).try_fold(first, |at, _| self.members.after(at))?.waker.take()
    }

    /// Has somebody been handed something that it has not come for?
    pub(super) fn is_owed(&self) -> bool {
        let is_next = |first: PinRef<Waiter<G>>| self.next.get().is_some_and(|next| next.is(first));
        is_granted::<G>() && self.members.first().is_some_and(|first| !is_next(first))
    }

    /// What was granted to another future of the task that is being polled, if that did not come for it in a whole poll (law
    /// NO-FUTURELOCK). This one is the first in line now, and the other one is behind it.
    ///
    /// # Safety
    /// MEMBER: it is in no other line.
    #[cold]
    pub(super) unsafe fn take_over(&self, waiter: PinRef<Waiter<G>>) -> Left<G> {
        let Some(task) = now(Context::task).filter(|_| !fault!("passed-over-and-kept")) else { return Left::Nothing };
        let mut left = Left::Nothing;
        let mut at = self.members.first();
        while let Some(other) = at.filter(|other| other.was_handed.get()) {
            at = self.members.after(other);
            if !ptr::eq(other.task.get(), task.as_ptr()) {
                continue;
            }
            match other.is_passed_over() {
                // It was looked at in this poll already: whoever looks comes again, since that one may be gone then.
                None => left = Left::Seen,
                Some(false) => left = Left::Seen,
                Some(true) => {
                    let Some(grant) = other.grant.take() else { continue };
                    // SAFETY: MEMBER: found in it.
                    unsafe { self.put_first(other) };
                    // The executor whose waker it had was told, and owes it a poll. What is granted to it next its task has to
                    // look for, as now.
                    let old = other.waker.replace(Some(ManuallyDrop::into_inner(waker(task))));
                    // SAFETY: MEMBER, by contract.
                    unsafe { self.put_first(waiter) };
                    return Left::Passed(grant, old);
                }
            }
        }
        left
    }

    /// One in line is the first of those who wait.
    ///
    /// # Safety
    /// MEMBER: it is in line.
    unsafe fn put_first(&self, waiter: PinRef<Waiter<G>>) {
        // SAFETY: MEMBER, by contract. What it was granted was taken.
        unsafe { self.leave(waiter) };
        let next = self.next.get();
        // Those who wait are in the order of their rounds.
        waiter.round.set(next.map_or(self.round.get(), |next| next.round.get()));
        // SAFETY: MEMBER: who waits is in line.
        unsafe { self.members.insert(waiter, next) };
        self.next.set(Some(waiter));
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
