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
#[cfg(feature = "std")]
use crate::kernel::waker::is_ours;
use crate::kernel::waker::waker as waker_of;
use crate::name::GivenName;

#[cfg(feature = "std")]
mod inner;

/// Those who wait. What is handed to one lies with it, so nobody can snatch it; it stays in the line until it comes for it, so
/// that what nobody comes for can be found.
pub(crate) struct Line<G> {
    /// Those to whom something was handed, then those to whom nothing was.
    members: List<Waiter<G>>,
    /// The first to whom nothing was handed.
    next: Cell<Option<PinRef<Waiter<G>>>>,
    /// How often all who waited were told something, and round again.
    round: Cell<u32>,
    /// Somebody may be in it by a waker that is not its task's, as in a set of futures: it may not be polled though its
    /// task is.
    #[cfg(feature = "std")]
    has_inner: Cell<bool>,
    /// What they wait for.
    pub(super) name: GivenName,
}

/// One who waits.
pub(super) struct Waiter<G> {
    links: Links<Waiter<G>>,
    /// Whom to wake when something is handed over. Who goes takes it out before, so that there is no destructor for it where
    /// nobody has ever waited.
    waker: Cell<Option<ManuallyDrop<Waker>>>,
    /// The task in whose poll that was left, with its own waker or another one; null where there is none. For comparing.
    task: Cell<*const Header>,
    /// The line's, when it joined. Whoever tells all goes on until none of an older round is left that was handed nothing, so
    /// those in line are of as many rounds at most as there are such calls at one moment.
    ///
    /// After a grant: `UNSEEN`, or twice the number of the poll of its task in which another one found last that it has it;
    /// with `PASSED` if all of the task's code is polled in that, and it began after the grant.
    round: Cell<u32>,
    /// How it is to come back, when something was handed to it; until then it is new.
    handed: Cell<Turn<G>>,
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

/// What one has to do who waits.
pub(super) enum Wait<G> {
    /// Nothing: its waker is known.
    Known,
    /// To leave a waker; and to look again in its task's next poll?
    NeedsWaker(bool),
    /// To drop an old waker, and to look again.
    Again(Option<Waker>),
    /// To pass on what another future of its task did not come for in a whole poll, to drop that one's old waker, and to look
    /// again.
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

impl<G: Copy> Waiter<G> {
    pub(super) const fn new(ask: Option<G>) -> Self {
        Waiter {
            links: Links::new(),
            waker: Cell::new(None),
            task: Cell::new(ptr::null()),
            round: Cell::new(0),
            handed: Cell::new(Turn::New),
            ask,
            _pinned: PhantomPinned,
        }
    }

    /// It was granted something, and another one of its task finds that in the poll that is under way: was it passed over in a
    /// whole one? It is looked at once a poll: whoever looks comes again, since it may be gone then.
    fn is_passed_over(&self) -> bool {
        let (poll, woken) = now(|context| (context.poll.get() << 1, context.woken.get()));
        let found = self.round.get();
        if found & PASSED != 0 || fault!("taken-over-at-once") {
            return found & !PASSED != poll;
        }
        if found == UNSEEN {
            // In this poll it may have been passed over before it was granted anything.
            self.round.set(poll);
        } else if found != poll {
            // Where the task was woken for a child, not all of its code is polled.
            self.round.set(poll | if woken & DIRECT != 0 { PASSED } else { 0 });
        }
        false
    }

    fn was_handed(&self) -> bool {
        !matches!(self.handed.get(), Turn::New)
    }

    fn has_waker(&self) -> bool {
        self.look_at_waker(|waker| waker.is_some())
    }

    fn look_at_waker<R>(&self, look: impl FnOnce(Option<&Waker>) -> R) -> R {
        let waker = self.waker.take();
        let seen = look(waker.as_deref());
        self.waker.set(waker);
        seen
    }

    pub(super) fn take_waker(&self) -> Option<Waker> {
        self.waker.take().map(ManuallyDrop::into_inner)
    }
}

/// Is such a thing ever granted? Where it isn't, there is no code for it.
const fn is_granted<G>() -> bool {
    size_of::<Option<G>>() != 0
}

impl<G: Copy> Line<G> {
    pub(super) const fn new() -> Self {
        Line {
            members: List::new(),
            next: Cell::new(None),
            round: Cell::new(0),
            #[cfg(feature = "std")]
            has_inner: Cell::new(false),
            name: GivenName::NONE,
        }
    }

    /// Hands something to the first who waits: `Ok` with its waker, to be woken when nothing is held any more; `Err` if nobody
    /// waits.
    pub(crate) fn grant(&self, grant: G) -> Result<Option<Waker>, G> {
        match self.next.get() {
            Some(first) => Ok(self.hand(first, Some(grant))),
            None => Err(grant),
        }
    }

    /// Does anyone wait to whom nothing was handed? Then who comes later has to stand behind.
    pub(crate) fn is_waited_in(&self) -> bool {
        self.next.get().is_some()
    }

    /// What the first who waits asks for.
    pub(crate) fn first_asks(&self) -> Option<G> {
        self.next.get()?.ask
    }

    /// What one in line asks for, by its number from the front.
    pub(crate) fn nth_asks(&self, n: usize) -> Option<G> {
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
            wakers.extend(waiter.take_waker());
            at = self.members.after(waiter);
        }
    }

    /// The waker of one of those, by its number from the front. It leaves another one in its next poll.
    #[cfg(not(feature = "alloc"))]
    pub(super) fn take_waker(&self, n: usize) -> Option<Waker> {
        let first = self.next.get()?;
        (0..n).try_fold(first, |at, _| self.members.after(at))?.take_waker()
    }

    /// Has somebody been handed something that it has not come for?
    pub(super) fn is_owed(&self) -> bool {
        let is_next = |first: PinRef<Waiter<G>>| self.next.get().is_some_and(|next| next.is(first));
        is_granted::<G>() && self.members.first().is_some_and(|first| !is_next(first))
    }

    /// One in line is to wait, by this waker. What was granted to another future of the task that is being polled, which did
    /// not come for it in a whole poll, is passed on (law NO-FUTURELOCK): this one is the first in line then, and the other
    /// one is behind it.
    ///
    /// # Safety
    /// MEMBER: it is in no other line.
    pub(super) unsafe fn wait(&self, waiter: PinRef<Waiter<G>>, waker: &Waker) -> Wait<G> {
        let (has_to_wait, is_owed) = (self.has_to_wait(waiter), self.is_owed());
        match waiter.take_waker() {
            Some(same) if has_to_wait && !is_owed && same.will_wake(waker) => {
                waiter.waker.set(Some(ManuallyDrop::new(same)));
                return Wait::Known;
            }
            old if old.is_some() || !has_to_wait => return Wait::Again(old),
            _ => {}
        }
        let task = now(Context::task).filter(|_| is_owed && !fault!("passed-over-and-kept"));
        let Some(task) = task else { return Wait::NeedsWaker(false) };
        let mut is_any_seen = false;
        let mut at = self.members.first();
        while let Some(other) = at.filter(|other| other.was_handed()) {
            at = self.members.after(other);
            if !ptr::eq(other.task.get(), task.as_ptr()) {
                continue;
            }
            if !other.is_passed_over() {
                is_any_seen = true;
                continue;
            }
            let Turn::Granted(grant) = other.handed.get() else { continue };
            // SAFETY: MEMBER: found in it.
            unsafe { self.put_first(other) };
            // The executor whose waker it had was told, and owes it a poll. What is granted to it next its task has to look
            // for, as now.
            let old = other.waker.replace(Some(waker_of(task)));
            // SAFETY: MEMBER, by contract.
            unsafe { self.put_first(waiter) };
            return Wait::Passed(grant, old.map(ManuallyDrop::into_inner));
        }
        // It may still come for it in this poll.
        Wait::NeedsWaker(is_any_seen)
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

    /// All who wait are told, from now on, if anybody does; [`tell`](Line::tell) says whom to wake over it.
    pub(super) fn begin_round(&self) -> Option<u32> {
        self.next.get()?;
        self.round.set(self.round.get().wrapping_add(1));
        Some(self.round.get())
    }

    /// The next of those who waited when this round began.
    pub(super) fn tell(&self, round: u32) -> Option<Told> {
        let is_older = |waiter: &PinRef<Waiter<G>>| {
            fault!("newcomers-are-told") || (waiter.round.get().wrapping_sub(round) as i32) < 0
        };
        let first = self.next.get().filter(is_older)?;
        let waker = self.hand(first, None);
        Some(Told { waker, is_last: !self.next.get().as_ref().is_some_and(is_older) })
    }

    #[inline(never)]
    fn hand(&self, first: PinRef<Waiter<G>>, grant: Option<G>) -> Option<Waker> {
        if grant.is_some() {
            first.round.set(UNSEEN);
        }
        first.handed.set(grant.map_or(Turn::Told, Turn::Granted));
        self.next.set(self.members.after(first));
        let waker = first.take_waker();
        #[cfg(feature = "std")]
        if self.has_inner.get() && grant.is_some() {
            return waker.map(|waker| self.wake_inner_too(first, waker));
        }
        waker
    }

    /// Whom to wake for one in line, until its next poll.
    pub(super) fn set_waker(&self, waiter: PinRef<Waiter<G>>, waker: Waker) {
        if is_granted::<G>() {
            let task = now(|context| context.task.get());
            waiter.task.set(task);
            #[cfg(feature = "std")]
            if !is_ours(&waker) && !task.is_null() {
                self.has_inner.set(true);
            }
        }
        waiter.waker.set(Some(ManuallyDrop::new(waker)));
    }

    /// Has it to wait?
    pub(super) fn has_to_wait(&self, waiter: PinRef<Waiter<G>>) -> bool {
        let is_told = waiter.round.get() != self.round.get() && !fault!("told-by-the-loop-alone");
        waiter.links.are_used() && !waiter.was_handed() && !is_told
    }

    /// Joins at the end; is nothing left to be done, but to leave a waker?
    ///
    /// # Safety
    /// MEMBER: it is in no line.
    #[cfg_attr(not(feature = "std"), cold)]
    pub(super) unsafe fn join(&self, waiter: PinRef<Waiter<G>>) -> bool {
        waiter.round.set(self.round.get());
        self.members.push(waiter);
        if self.next.get().is_none() {
            self.next.set(Some(waiter));
        }
        !self.is_owed()
    }

    /// One that may be in line comes back: how it goes on, if it does.
    ///
    /// # Safety
    /// MEMBER: it is in no other line.
    #[cfg_attr(not(feature = "std"), cold)]
    pub(super) unsafe fn come_back(&self, waiter: PinRef<Waiter<G>>) -> Option<Turn<G>> {
        if self.has_to_wait(waiter) || waiter.has_waker() {
            return None;
        }
        // SAFETY: MEMBER, by contract.
        Some(unsafe { self.leave(waiter) })
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
        match waiter.handed.replace(Turn::New) {
            Turn::New => Turn::Told,
            handed => handed,
        }
    }
}
