//! A place in line, and the future of one who waits there.

use core::cell::{Cell, RefCell};
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::line::{Left, Line, Turn, Waiter};
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

    /// Changes the state, and tells all who wait at that moment; did anyone?
    fn tell_all(&self, change: impl FnOnce(&Self::State)) -> bool {
        self.tell_if(|state| (change(state), true)).1
    }

    /// Changes the state, and tells all who wait at that moment, if `change` says so: there is no moment between the two.
    /// Returns what it does, and whether anyone was told.
    fn tell_if<R>(&self, change: impl FnOnce(&Self::State) -> (R, bool)) -> (R, bool) {
        let (result, round, mut told) = self.with(|state, line| {
            let (result, tells) = change(state);
            let round = if tells { line.begin_round() } else { return (result, 0, None) };
            (result, round, line.tell(round))
        });
        let is_anyone_told = told.is_some();
        let mut first = First::new();
        while let Some(now) = told {
            if let Some(waker) = now.waker {
                match fault!("a-panic-ends-the-telling") {
                    true => waker.wake(),
                    false => first.catch(|| waker.wake()),
                }
            }
            told = if now.is_last { None } else { self.with(|_, line| line.tell(round)) };
        }
        first.resume();
        (result, is_anyone_told)
    }
}

pin_project! {
    /// Somebody's place in line, as soon as it has to wait; what it gets at once costs no place. Who leaves the line with
    /// nothing asks `pass_on` whom to wake over it, until it says nobody: first with the grant that comes too late, if there
    /// is one.
    pub(crate) struct Place<L, R>
    where
        L: Lead,
        R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
    {
        lead: L,
        pass_on: R,
        #[pin]
        at: At<L::Grant>,
    }

    impl<L, R> PinnedDrop for Place<L, R>
    where
        L: Lead,
        R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
    {
        fn drop(this: Pin<&mut Self>) {
            this.leave();
        }
    }
}

pin_project! {
    /// Where one is who waits.
    #[project = AtProjected]
    enum At<G> {
        // Nowhere: in no line.
        Outside { ask: Option<G> },
        // It may be in line.
        InLine { #[pin] waiter: Waiter<G> },
    }
}

impl<G: Copy> At<G> {
    /// Its place, which it has from now on.
    fn place(mut self: Pin<&mut Self>) -> PinRef<Waiter<G>> {
        if let AtProjected::Outside { ask } = self.as_mut().project() {
            let waiter = Waiter::new(*ask);
            self.set(At::InLine { waiter });
        }
        let Some(waiter) = self.taken() else { unreachable!("giambio: it has a place now") };
        waiter
    }

    /// Its place, if it has one.
    fn taken(self: Pin<&mut Self>) -> Option<PinRef<Waiter<G>>> {
        match self.project() {
            AtProjected::InLine { waiter } => Some(pinned(waiter.into_ref())),
            AtProjected::Outside { .. } => None,
        }
    }

    /// It has none any more, and is in no line. What it asks for stays: one without would hold up all behind it, should it
    /// wait again.
    fn leave(mut self: Pin<&mut Self>) {
        if let Some(waiter) = self.as_mut().taken() {
            let ask = waiter.asks();
            self.set(At::Outside { ask });
        }
    }
}

pin_project! {
    /// Waits until `take` gets something out of what is waited for: at once, or when it was told or granted something. A grant
    /// it has to take. Who leaves the line without that asks `pass_on` whom to wake over it, until it says nobody: first with
    /// the grant that comes too late, if there is one.
    ///
    /// Both are asked under the access, so they are short and call nobody. Foreign code, which a waker is when it is cloned,
    /// woken or dropped, runs in between, when each change is whole; what is taken out is delivered with no foreign code left
    /// to run.
    pub(crate) struct Waiting<L, T, R>
    where
        L: Lead,
        R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
    {
        take: T,
        #[pin]
        place: Place<L, R>,
    }
}

/// Wakes this one, and whoever is let go on besides.
fn wake_all<L: Lead>(
    mut next: Option<Waker>,
    lead: &L,
    pass_on: impl Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
    first: &mut First,
) {
    while let Some(waker) = next {
        first.catch(|| waker.wake());
        next = lead.with(|state, line| pass_on(state, line, None));
    }
}

fn pinned<G>(waiter: Pin<&Waiter<G>>) -> PinRef<Waiter<G>> {
    // SAFETY: LIVE: it is a part of a pinned future, whose destructor takes it out of the line.
    unsafe { PinRef::new(NonNull::from(waiter.get_ref())) }
}

impl<L, O, T, R> Waiting<L, T, R>
where
    L: Lead,
    T: FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    pub(crate) const fn new(lead: L, take: T, pass_on: R) -> Self {
        Waiting { take, place: Place::new(lead, pass_on) }
    }

    /// The same, for one who asks for just this; whoever hands out looks at it before.
    pub(crate) const fn asking(lead: L, ask: L::Grant, take: T, pass_on: R) -> Self {
        Waiting { take, place: Place { lead, pass_on, at: At::Outside { ask: Some(ask) } } }
    }
}

/// What is passed on where nothing is ever granted.
pub(crate) fn nothing<S, G>(_: &S, _: &Line<G>, _: Option<G>) -> Option<Waker> {
    None
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

impl<L, T, R> Awaits for Waiting<L, T, R>
where
    L: Lead<State: Held>,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.place.lead.with(|state, line| (line.name.get(), state.holder()))
    }
}

impl<L, O, T, R> Future for Waiting<L, T, R>
where
    L: Lead,
    T: FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = self.project();
        this.place.poll(cx, this.take)
    }
}

/// What a look has shown.
enum Look<O> {
    Got(O),
    /// It has to wait, and its waker is known.
    Waits,
    /// It has to wait, in line, without a waker; and to look again in the task's next poll?
    NeedsWaker(bool),
    /// It has an old waker, which has to go first.
    Has(Waker),
    /// What another one did not come for was passed on: to it, and perhaps to others, whom this wakes.
    HandedOn(Option<Waker>, Option<Waker>),
}

impl<L, R> Place<L, R>
where
    L: Lead,
    R: Fn(&L::State, &Line<L::Grant>, Option<L::Grant>) -> Option<Waker>,
{
    pub(crate) const fn new(lead: L, pass_on: R) -> Self {
        Place { lead, pass_on, at: At::Outside { ask: None } }
    }

    /// Leaves the line.
    pub(crate) fn leave(self: Pin<&mut Self>) {
        let mut this = self.project();
        let Some(waiter) = this.at.as_mut().taken() else { return };
        let (next, own) = this.lead.with(|state, line| {
            // SAFETY: MEMBER: it joins the line of its lead alone.
            let late = match unsafe { line.leave(waiter) } {
                Turn::Granted(grant) if !fault!("grant-dies-with-its-waiter") => Some(grant),
                _ => None,
            };
            let is_over = late.is_none() && fault!("nobody-looks-when-the-head-leaves");
            (if is_over { None } else { (this.pass_on)(state, line, late) }, waiter.waker.take())
        });
        this.at.leave();
        let mut first = First::new();
        wake_all(next, this.lead, &*this.pass_on, &mut first);
        if let Some(own) = own {
            first.catch(|| drop(own));
        }
        first.resume();
    }

    /// Waits in line until `take` gets something, as [`Waiting`] does.
    pub(crate) fn poll<O>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&L::State, &Line<L::Grant>, Turn<L::Grant>) -> Option<O>,
    ) -> Poll<O> {
        let mut this = self.project();
        let _too_early = fault!("waker-cloned-for-nothing").then(|| cx.waker().clone());
        let mut look = |mut at: Pin<&mut At<L::Grant>>| {
            this.lead.with(|state, line| {
                let mut turn = Some(Turn::New);
                if let Some(waiter) = at.as_mut().taken() {
                    let has_to_wait = line.has_to_wait(waiter);
                    match waiter.waker.take() {
                        Some(same) if has_to_wait && !line.is_owed() && same.will_wake(cx.waker()) => {
                            waiter.waker.set(Some(same));
                            return Look::Waits;
                        }
                        Some(old) => return Look::Has(old),
                        None => {}
                    }
                    // SAFETY: MEMBER: it joins the line of its lead alone.
                    turn = if has_to_wait { None } else { Some(unsafe { line.leave(waiter) }) };
                }
                if let Some(turn) = turn {
                    if let Some(got) = take(state, line, turn) {
                        return Look::Got(got);
                    }
                    line.join(at.as_mut().place());
                }
                if !line.is_owed() {
                    return Look::NeedsWaker(false);
                }
                // SAFETY: as above.
                match unsafe { line.take_over(at.place()) } {
                    Left::Nothing => Look::NeedsWaker(false),
                    Left::Seen => Look::NeedsWaker(true),
                    Left::Passed(grant, old) => Look::HandedOn((this.pass_on)(state, line, Some(grant)), old),
                }
            })
        };
        let looks_again = loop {
            match look(this.at.as_mut()) {
                Look::Got(got) => {
                    this.at.leave();
                    return Poll::Ready(got);
                }
                Look::Waits => return Poll::Pending,
                Look::Has(old) => drop(old),
                Look::HandedOn(next, old) => {
                    let mut first = First::new();
                    wake_all(next, this.lead, &*this.pass_on, &mut first);
                    first.catch(|| drop(old));
                    first.resume();
                }
                Look::NeedsWaker(looks_again) => break looks_again,
            }
        };
        let new = cx.waker().clone();
        let has_to_wait = this.lead.with(|_, line| {
            let waiter = this.at.place();
            waiter.set_waker(new);
            line.has_to_wait(waiter)
        });
        // Something was handed over while there was no waker.
        if !has_to_wait && !fault!("handed-over-unseen") || looks_again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
