//! A place in line, and the future of one who waits there.

use core::cell::{Cell, RefCell};
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::line::{Line, Turn, Wait, Waiter};
use crate::fault::fault;
use crate::kernel::pin_ref::PinRef;
use crate::panics::First;
use crate::task_info::TaskId;

/// Leads to what is waited for, and to the line for it.
///
/// # Safety
/// It is the same line each time, on whatever thread this may get to, and whoever looks is alone with it.
pub(crate) unsafe trait Lead {
    type State;
    /// What is handed to one who waits.
    type Grant: Copy;

    fn with<R>(&self, f: impl FnOnce(&Self::State, &Line<Self::Grant>) -> R) -> R;

    /// What one asks for who comes this way, if it says so.
    fn asks(&self) -> Option<Self::Grant> {
        None
    }

    /// What is granted is as if it were free, for who takes it in the same step.
    fn take_back(&self, _: &Self::State) {}

    /// Whom to wake when somebody leaves the line with nothing, until it says nobody: asked first with the grant that comes too
    /// late, if there is one.
    fn pass_on(&self, _: &Self::State, _: &Line<Self::Grant>, _late: Option<Self::Grant>) -> Option<Waker> {
        None
    }

    /// Changes the state, and tells all who wait at that moment; did anyone?
    fn tell_all(&self, change: impl FnOnce(&Self::State)) -> bool {
        self.tell_if(|state| (change(state), true)).1
    }

    /// Changes the state, and tells all who wait at that moment, if `change` says so: there is no moment between the two.
    /// Returns what it does, and whether anyone was told.
    fn tell_if<R>(&self, change: impl FnOnce(&Self::State) -> (R, bool)) -> (R, bool) {
        let (result, round) = self.with(|state, line| {
            let (result, tells) = change(state);
            (result, if tells { line.begin_round() } else { None })
        });
        if let Some(round) = round {
            self.tell_round(round);
        }
        (result, round.is_some())
    }

    /// Tells all who waited when this round began.
    #[cfg_attr(not(feature = "std"), cold)]
    fn tell_round(&self, round: u32) {
        let mut first = First::new();
        while let Some(told) = self.with(|_, line| line.tell(round)) {
            if let Some(waker) = told.waker {
                match fault!("a-panic-ends-the-telling") {
                    true => waker.wake(),
                    false => first.catch(|| waker.wake()),
                }
            }
            if told.is_last {
                break;
            }
        }
        first.resume();
    }
}

pin_project! {
    /// Somebody's place in line, as soon as it has to wait; what it gets at once costs no place. Over who leaves the line with
    /// nothing others may be woken, as its lead says.
    pub(crate) struct Place<L>
    where
        L: Lead,
    {
        lead: L,
        #[pin]
        waiter: Option<Waiter<L::Grant>>,
    }

    impl<L: Lead> PinnedDrop for Place<L> {
        fn drop(this: Pin<&mut Self>) {
            this.leave();
        }
    }
}

pin_project! {
    /// Waits until `take` gets something out of what is waited for: at once, or when it was told or granted something. A grant
    /// it has to take.
    ///
    /// It is asked under the access, as the lead is what to pass on, so both are short and call nobody. Foreign code, which a
    /// waker is when it is cloned, woken or dropped, runs in between, when each change is whole; what is taken out is
    /// delivered with no foreign code left to run.
    pub(crate) struct Waiting<L, T>
    where
        L: Lead,
    {
        take: T,
        #[pin]
        place: Place<L>,
    }
}

/// Wakes this one, and whoever is let go on besides; and drops an old waker.
fn wake_all<L: Lead>(mut next: Option<Waker>, lead: &L, old: Option<Waker>) {
    let mut first = First::new();
    while let Some(waker) = next {
        first.catch(|| waker.wake());
        next = lead.with(|state, line| lead.pass_on(state, line, None));
    }
    if let Some(old) = old {
        first.catch(|| drop(old));
    }
    first.resume();
}

/// Joins the line, where it is not in it; is nothing left to be done, but to leave a waker?
#[cfg_attr(not(feature = "std"), cold)]
fn join<L: Lead>(lead: &L, line: &Line<L::Grant>, mut waiter: Pin<&mut Option<Waiter<L::Grant>>>) -> bool {
    // SAFETY: it stays where it is.
    unsafe { waiter.as_mut().get_unchecked_mut() }.get_or_insert_with(|| Waiter::new(lead.asks()));
    // SAFETY: MEMBER: it has left, or was in none.
    taken(waiter).is_some_and(|waiter| unsafe { line.join(waiter) })
}

/// One who may be in line comes back: how it goes on, if it does.
#[cfg_attr(not(feature = "std"), cold)]
fn come_back<L: Lead>(
    lead: &L,
    state: &L::State,
    line: &Line<L::Grant>,
    waiter: PinRef<Waiter<L::Grant>>,
) -> Option<Turn<L::Grant>> {
    // SAFETY: MEMBER: it joins the line of its lead alone.
    let turn = unsafe { line.come_back(waiter) }?;
    if let Turn::Granted(_) = turn {
        lead.take_back(state);
    }
    Some(turn)
}

/// A place that is taken, in which it may be in line.
fn taken<G>(waiter: Pin<&mut Option<Waiter<G>>>) -> Option<PinRef<Waiter<G>>> {
    let waiter = waiter.into_ref().as_pin_ref()?;
    // SAFETY: LIVE: it is a part of a pinned future, whose destructor takes it out of the line.
    Some(unsafe { PinRef::new(NonNull::from(waiter.get_ref())) })
}

/// For who passes on what is granted to it too late.
pub(crate) struct Granted<L, R> {
    lead: L,
    pass_on: R,
}

/// For who asks for just this; whoever hands out looks at it before.
pub(crate) struct Asking<L: Lead> {
    lead: L,
    ask: L::Grant,
}

// SAFETY: it leads where the other one does.
unsafe impl<L, R> Lead for Granted<L, R>
where
    L: Lead,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    type State = L::State;
    type Grant = L::Grant;

    fn with<T>(&self, f: impl FnOnce(&L::State, &Line<L::Grant>) -> T) -> T {
        self.lead.with(f)
    }

    fn pass_on(&self, state: &L::State, line: &Line<L::Grant>, late: Option<L::Grant>) -> Option<Waker> {
        (self.pass_on)(state, line, late)
    }
}

// SAFETY: as above.
unsafe impl<L: Lead> Lead for Asking<L> {
    type State = L::State;
    type Grant = L::Grant;

    fn with<T>(&self, f: impl FnOnce(&L::State, &Line<L::Grant>) -> T) -> T {
        self.lead.with(f)
    }

    fn asks(&self) -> Option<L::Grant> {
        Some(self.ask)
    }

    fn pass_on(&self, state: &L::State, line: &Line<L::Grant>, late: Option<L::Grant>) -> Option<Waker> {
        self.lead.pass_on(state, line, late)
    }
}

impl<L, O, T> Waiting<L, T>
where
    L: Lead,
    T: FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
{
    pub(crate) const fn new(lead: L, take: T) -> Self {
        Waiting { take, place: Place::new(lead) }
    }
}

impl<L, O, T, R> Waiting<Granted<L, R>, T>
where
    L: Lead,
    T: FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    /// The same, where something is granted.
    pub(crate) const fn granted(lead: L, take: T, pass_on: R) -> Self {
        Waiting::new(Granted { lead, pass_on }, take)
    }
}

impl<L, O, T, R> Waiting<Asking<Granted<L, R>>, T>
where
    L: Lead,
    T: FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    /// The same, for one who asks for just this.
    pub(crate) const fn asking(lead: L, ask: L::Grant, take: T, pass_on: R) -> Self {
        Waiting::new(Asking { lead: Granted { lead, pass_on }, ask }, take)
    }
}

/// Somebody may have what is waited for.
pub(crate) trait Held {
    /// Which task, if that is known.
    fn holder(&self) -> Option<TaskId> {
        None
    }
}

impl Held for () {}
impl<T> Held for Cell<T> {}
impl<T> Held for RefCell<T> {}

/// Says what it waits for, to those who look on.
pub(crate) trait Awaits {
    /// What that is called, and which task has it.
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>);
}

impl<L: Lead<State: Held>> Awaits for Place<L> {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.lead.with(|state, line| (line.name.get(), state.holder()))
    }
}

impl<L: Lead<State: Held>, T> Awaits for Waiting<L, T> {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.place.awaits()
    }
}

impl<L, O, T> Future for Waiting<L, T>
where
    L: Lead,
    T: FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
{
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = self.project();
        this.place.poll(cx, this.take)
    }
}

impl<L: Lead> Place<L> {
    pub(crate) const fn new(lead: L) -> Self {
        Place { lead, waiter: None }
    }

    /// Leaves the line.
    pub(crate) fn leave(mut self: Pin<&mut Self>) {
        if let Some(waiter) = taken(self.as_mut().project().waiter) {
            self.give_up(waiter);
        }
    }

    #[cfg_attr(not(feature = "std"), cold)]
    fn give_up(self: Pin<&mut Self>, waiter: PinRef<Waiter<L::Grant>>) {
        let mut this = self.project();
        let (next, own) = this.lead.with(|state, line| {
            // SAFETY: MEMBER: it joins the line of its lead alone.
            let late = match unsafe { line.leave(waiter) } {
                Turn::Granted(grant) if !fault!("grant-dies-with-its-waiter") => Some(grant),
                _ => None,
            };
            let is_over = late.is_none() && fault!("nobody-looks-when-the-head-leaves");
            (if is_over { None } else { this.lead.pass_on(state, line, late) }, waiter.take_waker())
        });
        this.waiter.set(None);
        wake_all(next, this.lead, own);
    }

    /// Waits in line until `take` gets something, as [`Waiting`] does.
    pub(crate) fn poll<O>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
    ) -> Poll<O> {
        let _too_early = fault!("waker-cloned-for-nothing").then(|| cx.waker().clone());
        loop {
            let mut this = self.as_mut().project();
            let look = this.lead.with(|state, line| {
                let turn = match taken(this.waiter.as_mut()) {
                    None => Turn::New,
                    Some(waiter) => come_back(this.lead, state, line, waiter).ok_or(false)?,
                };
                take(state, line, turn).ok_or_else(|| join(this.lead, line, this.waiter.as_mut()))
            });
            match look {
                Ok(got) => {
                    this.waiter.set(None);
                    return Poll::Ready(got);
                }
                Err(has_just_joined) => {
                    if self.as_mut().wait(cx, has_just_joined) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// It may be in line; does it wait there? Else it looks again.
    // What is for those who wait is apart where code is dear. Elsewhere it is not: a `oneshot` takes some 400 instructions,
    // and 500 where each of these is a call (`cargo xtask bench sync`).
    #[cfg_attr(not(feature = "std"), cold)]
    fn wait(self: Pin<&mut Self>, cx: &mut Context<'_>, has_just_joined: bool) -> bool {
        let this = self.project();
        let Some(waiter) = taken(this.waiter) else { return false };
        // SAFETY: MEMBER: it joins the line of its lead alone.
        let wait = |line: &Line<L::Grant>| unsafe { line.wait(waiter, cx.waker()) };
        let wait = if has_just_joined { Wait::NeedsWaker(false) } else { this.lead.with(|_, line| wait(line)) };
        let looks_again = match wait {
            Wait::Known => return true,
            Wait::NeedsWaker(looks_again) => looks_again,
            Wait::Again(old) => {
                drop(old);
                return false;
            }
            Wait::Passed(grant, old) => {
                let next = this.lead.with(|state, line| this.lead.pass_on(state, line, Some(grant)));
                wake_all(next, this.lead, old);
                return false;
            }
        };
        let new = cx.waker().clone();
        let has_to_wait = this.lead.with(|_, line| {
            line.set_waker(waiter, new);
            line.has_to_wait(waiter)
        });
        // Something was handed over while there was no waker.
        if !has_to_wait && !fault!("handed-over-unseen") || looks_again {
            cx.waker().wake_by_ref();
        }
        true
    }
}
