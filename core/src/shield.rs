//! Work that a cancellation must let finish: shields, and clean-ups that may await.
//!
//! While a shield or a clean-up is at work, the cancelled scopes around it wait for it; everything
//! else in them is dropped meanwhile, so that a clean-up may wait for what a sibling held. With a
//! grace period that wait is bounded.
//!
//! Nothing can run in a future that somebody simply drops (a `select!`, say), or keeps and never polls again: a set whose
//! owner waits for something else. When a scope around is cancelled, all shields and clean-ups in it are woken; if then
//! none of them is polled, none is waited for, and they are dropped with the code. A shield or clean-up that is dropped
//! is abandoned, which the debugger is told.

use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::cancel::poll_cut_short;
use crate::debugger::Event;
use crate::fault::fault;
use crate::gate::is_cancelled;
use crate::kernel::deadline::Timed;
use crate::kernel::emit as hooks;
use crate::kernel::in_place::clear;
use crate::kernel::root::{read_clock, with_clock};
use crate::kernel::scope::asking::{self, Round};
use crate::kernel::scope::entered::Entered;
use crate::kernel::scope::node::{CANCELLED, CUT_OFF, HOLD, SHIELD};
use crate::panics::{self, Payload};
use crate::reason::Reason;
use crate::sleep::no_runtime;

/// Told when work that should have come to its end is dropped.
struct Unfinished;

impl Drop for Unfinished {
    fn drop(&mut self) {
        hooks::tell_of(&hooks::current(), Event::CleanupAbandoned);
    }
}

/// Polls what is inside a shield, for at most `grace` after a cancellation around it.
/// `None`: the grace is over, and it was dropped.
fn poll_shielded<F: Future>(
    timed: Pin<&Timed>,
    mut body: Pin<&mut Option<F>>,
    grace: Option<Duration>,
    cx: &mut Context<'_>,
) -> Poll<Option<F::Output>> {
    let entered = Entered::new(timed, cx);
    if let Some(grace) = grace {
        match entered.is_cancelled_around() {
            true if fault!("grace-forgotten") => {}
            true => begin_grace(timed, grace),
            // By reference it may go on where nothing is cancelled.
            false => timed.disarm(),
        }
    }
    let round = Round::begin(entered.node, CANCELLED, cx);
    if !entered.must_drop() {
        let Some(future) = body.as_mut().as_pin_mut() else { return Poll::Pending };
        if let Poll::Ready(value) = future.poll(cx) {
            clear(body);
            return Poll::Ready(Some(value));
        }
        if timed.node().is_expired() {
            timed.cancel(Reason::Deadline);
        }
        if !must_drop(&entered, &timed, round, cx) {
            return Poll::Pending;
        }
    }
    clear(body);
    Poll::Ready(None)
}

/// A poll of what is inside has left it pending. Is it to be dropped? If not, it was seen that somebody polls it.
fn must_drop(entered: &Entered<'_>, timed: &Timed, round: Option<Round>, cx: &Context<'_>) -> bool {
    let drops = entered.must_drop() || round.is_some_and(|round| entered.is_forsaken(round, timed.looked_at(), cx));
    if !drops {
        asking::answer(timed.node());
    }
    drops
}

fn begin_grace(timed: Pin<&Timed>, grace: Duration) {
    let armed = with_clock(|clock, heap| {
        if !timed.is_armed_in(heap) && !timed.is_over() {
            let now = read_clock();
            let end = clock.end_of(now, grace);
            timed.arm_or_expire(heap, end, now);
        }
    });
    if armed.is_none() {
        no_runtime("a grace period");
    }
}

/// Lets go of the scopes around: what was shielded is over.
fn let_go(timed: Pin<&Timed>) {
    timed.disarm();
    timed.let_go();
}

pin_project! {
    struct Shield<F> {
        #[pin]
        body: Option<F>,
        #[pin]
        timed: Timed,
        grace: Option<Duration>,
        unfinished: Option<Unfinished>,
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.unfinished.is_none() {
            let is_cancelled = is_cancelled();
            if this.body.is_none() {
                return poll_cut_short(is_cancelled);
            }
            if is_cancelled {
                // There it never starts.
                return Poll::Pending;
            }
            *this.unfinished = Some(Unfinished);
        }
        let timed = this.timed.as_ref();
        let Poll::Ready(end) = poll_shielded(timed, this.body.as_mut(), *this.grace, cx) else {
            return Poll::Pending;
        };
        if end.is_some() {
            core::mem::forget(this.unfinished.take());
        } else {
            *this.unfinished = None;
        }
        let_go(timed);
        match end {
            Some(value) => Poll::Ready(value),
            None => poll_cut_short(is_cancelled()),
        }
    }
}

/// Runs `body` to its end even if a scope around it is cancelled meanwhile. The cancellation is
/// noticed at the first suspension after it.
///
/// In code that is cancelled already, a shield never starts.
///
/// # Cancellation
/// Cancelling a scope around it waits for it. Dropping it drops `body`; the debugger is told of
/// that (`on_cleanup_abandoned`).
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, move_on_after, shield, sleep};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// let late = move_on_after(Duration::from_secs(1), async {
///     shield(sleep(Duration::from_secs(3))).await; // e.g. writing to flash
///     sleep(Duration::from_secs(9)).await;
/// })
/// .await;
/// assert_eq!(late, None);
/// assert_eq!(clock() - start, Duration::from_secs(3));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub fn shield<T>(body: impl Future<Output = T>) -> impl Future<Output = T> {
    Shield { body: Some(body), timed: shield_node(), grace: None, unfinished: None }
}

/// As [`shield`], but once a scope around it is cancelled, `body` has at most `grace` to end; then
/// it is dropped like the rest, but for shields inside it, which have their own grace.
///
/// # Cancellation
/// Cancelling a scope around it waits for it, at most `grace`.
///
/// # Panics
/// When cancelled outside a runtime, where no clock is.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, move_on_after, shield_for, sleep};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// let endless = shield_for(Duration::from_secs(2), core::future::pending::<()>());
/// move_on_after(Duration::from_secs(1), endless).await;
/// assert_eq!(clock() - start, Duration::from_secs(3));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub fn shield_for<T>(grace: Duration, body: impl Future<Output = T>) -> impl Future<Output = T> {
    Shield { body: Some(body), timed: shield_node(), grace: Some(grace), unfinished: None }
}

fn shield_node() -> Timed {
    let shields = if fault!("shield-lets-through") { 0 } else { SHIELD };
    Timed::new(if fault!("shield-holds-nobody") { shields } else { shields | HOLD })
}

/// Runs `body`, then `clean_up`, whatever becomes of `body`: it ends, it panics (where panics can
/// be caught), or a scope around it is cancelled. Then `body` is dropped first, and `clean_up`
/// runs shielded.
///
/// In code that is cancelled already, neither starts.
///
/// # Cancellation
/// Cancelling a scope around it drops `body` at its next suspension and waits for `clean_up`.
/// Dropping it drops `body`; no asynchronous code can run then, and the debugger is told of the
/// abandoned clean-up.
///
/// # Panics
/// With the panic of `body`, when `clean_up` has ended, however that ends; else with the panic of `clean_up`. And if it is
/// polled on by reference after `body` was cancelled, see [`move_on_after`](crate::move_on_after).
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, finally, move_on_after, sleep};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// let work = finally(
///     sleep(Duration::from_secs(9)),
///     async || sleep(Duration::from_secs(1)).await, // say goodbye to the other side
/// );
/// assert_eq!(move_on_after(Duration::from_secs(2), work).await, None);
/// assert_eq!(clock() - start, Duration::from_secs(3));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub fn finally<T>(body: impl Future<Output = T>, clean_up: impl AsyncFnOnce()) -> impl Future<Output = T> {
    let clean_up = Some(async move { pin!(clean_up()).await });
    Finally { body: Some(body), clean_up, end: None, unfinished: None, timed: Timed::new(HOLD), grace: None }
}

/// As [`finally`], but once a scope around it is cancelled and `clean_up` has begun, `clean_up` has at
/// most `grace` to end. If it is cut short, the value or panic of `body` still counts.
///
/// # Cancellation
/// As [`finally`], and the wait is bounded by `grace`.
///
/// # Panics
/// As [`finally`]; and when cancelled outside a runtime, where no clock is.
pub fn finally_for<T>(
    grace: Duration,
    body: impl Future<Output = T>,
    clean_up: impl AsyncFnOnce(),
) -> impl Future<Output = T> {
    let (clean_up, grace) = (Some(async move { pin!(clean_up()).await }), Some(grace));
    Finally { body: Some(body), clean_up, end: None, unfinished: None, timed: Timed::new(HOLD), grace }
}

/// How the body of a `finally` ended.
enum Body<T> {
    Value(T),
    Panic(Payload),
    Cancelled,
}

impl<T> Body<T> {
    /// Takes in how something has ended that came after the body: the first panic is the one that goes on, and no value.
    fn note(&mut self, result: Result<(), Payload>) {
        let Err(payload) = result else { return };
        if let Body::Panic(_) = self {
            return panics::dispose(payload);
        }
        let value = core::mem::replace(self, Body::Panic(payload));
        if let Err(second) = panics::catch(|| drop(value)) {
            panics::dispose(second);
        }
    }
}

pin_project! {
    struct Finally<B: Future, C> {
        #[pin]
        body: Option<B>,
        #[pin]
        clean_up: Option<C>,
        // How the body ended, while the clean-up is at work.
        end: Option<Body<B::Output>>,
        unfinished: Option<Unfinished>,
        // Holds the scopes around from the first poll of the body to the end of the clean-up.
        #[pin]
        timed: Timed,
        grace: Option<Duration>,
    }
}

impl<B: Future, C: Future<Output = ()>> Future for Finally<B, C> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let mut this = self.project();
        if this.unfinished.is_none() {
            let is_cancelled = is_cancelled();
            if this.clean_up.is_none() {
                return poll_cut_short(is_cancelled);
            }
            if is_cancelled {
                // There neither starts.
                return Poll::Pending;
            }
            *this.unfinished = Some(Unfinished);
        }
        let timed = this.timed.as_ref();
        let end = match this.end {
            Some(end) => end,
            None => {
                let end = ready!(poll_body(timed, this.body.as_mut(), cx));
                timed.raise_shield();
                this.end.insert(end)
            }
        };
        let clean_up = panics::catch(|| poll_shielded(timed, this.clean_up.as_mut(), *this.grace, cx));
        let is_done = match clean_up {
            Ok(poll) => ready!(poll).is_some(),
            Err(payload) => {
                if fault!("clean-ups-panic-first") {
                    *end = Body::Cancelled;
                }
                end.note(Err(payload));
                end.note(panics::catch(|| clear(this.clean_up)));
                false
            }
        };
        match is_done {
            true => core::mem::forget(this.unfinished.take()),
            false => *this.unfinished = None,
        }
        end.note(panics::catch(|| let_go(timed)));
        match this.end.take() {
            Some(Body::Value(value)) => Poll::Ready(value),
            Some(Body::Panic(payload)) => panics::resume(payload),
            Some(Body::Cancelled) | None => poll_cut_short(is_cancelled()),
        }
    }
}

fn poll_body<F: Future>(
    timed: Pin<&Timed>,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Body<F::Output>> {
    let entered = Entered::new(timed, cx);
    let round = Round::begin(entered.node, CUT_OFF, cx);
    let mut end = Body::Cancelled;
    if !entered.must_drop()
        && let Some(future) = body.as_mut().as_pin_mut()
    {
        match panics::catch(|| future.poll(cx)) {
            Ok(Poll::Ready(value)) => end = Body::Value(value),
            Err(payload) if fault!("clean-up-skipped-after-a-panic") => panics::resume(payload),
            Err(payload) => end = Body::Panic(payload),
            Ok(Poll::Pending) if !must_drop(&entered, &timed, round, cx) => return Poll::Pending,
            Ok(Poll::Pending) => {}
        }
    }
    end.note(panics::catch(|| clear(body)));
    Poll::Ready(end)
}
