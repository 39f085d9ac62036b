//! Waiting for time: sleeps. The deadline lies in the future itself, so setting one
//! never fails and needs no room; see the core's timer queue for what each step costs.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::call_site::CallSite;
use crate::debugger::Event;
use crate::gate::{is_cancelled, poll_proceed};
use crate::kernel::clock::Target;
use crate::kernel::context::with;
use crate::kernel::deadline::Entry;
use crate::kernel::emit as hooks;
use crate::kernel::root::{read_clock, with_clock};
use crate::time::Instant;

#[cold]
pub(crate) fn no_runtime(what: &str) -> ! {
    panic!("giambio: `{what}` outside a runtime: run it inside `Runtime::turn` or `giambio::run`")
}

/// The time now, by the clock of the runtime that is running.
///
/// # Panics
/// Outside a runtime, where no clock is.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, sleep};
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// sleep(Duration::from_secs(2)).await;
/// assert_eq!(clock() - start, Duration::from_secs(2));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub fn clock() -> Instant {
    match with_clock(|clock, _| clock.instant(read_clock())) {
        Some(now) => now,
        None => no_runtime("clock()"),
    }
}

/// The soonest deadline of the scopes around the running code, `None` if there is none. In code
/// that is cancelled already it is the start of time. A shield hides what is outside of it.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, VirtualClock, clock, effective_deadline, move_on_after};
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// assert_eq!(effective_deadline(), None);
/// move_on_after(Duration::from_secs(5), async {
///     move_on_after(Duration::from_secs(9), async {
///         assert_eq!(effective_deadline(), Some(clock() + Duration::from_secs(5)));
///     }).await;
/// }).await;
/// # })).run(&mut |_| {});
/// ```
pub fn effective_deadline() -> Option<Instant> {
    match with(|state| state.effective_deadline()) {
        u64::MAX => None,
        ticks => with_clock(|clock, _| clock.instant(ticks)),
    }
}

pin_project! {
    /// What [`sleep`] and [`sleep_until`] return.
    ///
    /// # Cancellation
    /// As there.
    ///
    /// One that was begun in a runtime may go on in another: until the same [`Instant`] by the clock of that one. Without
    /// feature `std` all clocks of a program must tick at one rate then.
    #[must_use = "a sleep does nothing unless it is awaited"]
    pub struct Sleep {
        target: Target,
        place: CallSite,
        #[pin]
        entry: Entry,
    }
}

impl core::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Sleep").field(&self.target).field(&self.entry).finish()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        poll_entry(this.entry.as_ref(), cx, *this.place, this.target)
    }
}

/// The poll of all that waits for time.
#[cfg_attr(feature = "std", inline)]
pub(crate) fn poll_entry(entry: Pin<&Entry>, cx: &mut Context<'_>, place: CallSite, target: &Target) -> Poll<()> {
    let go = ready!(poll_proceed(cx));
    if entry.is_over() {
        go.made_progress();
        if entry.is_over_at_once() {
            hooks::tell_of(&hooks::current(), |task| Event::AfterSleep(task, Duration::ZERO));
        }
        return Poll::Ready(());
    }
    let begun = with_clock(|clock, heap| {
        // One that never ends is in no heap.
        if entry.has_begun() && (entry.is_in(heap) || entry.deadline() == u64::MAX) {
            return entry.store_waker(cx.waker());
        }
        let now = read_clock();
        // A sleep that another runtime has begun goes on in this one.
        let deadline =
            if entry.has_begun() { entry.deadline_by(clock) } else { target.end(entry.deadline(), clock, now) };
        entry.begin(deadline, deadline <= now);
        entry.note_rate(clock);
        if deadline <= now {
            cx.waker().wake_by_ref();
        } else {
            if deadline != u64::MAX {
                entry.arm(heap, deadline);
            }
            entry.store_waker(cx.waker());
        }
        entry.sleep_begins(clock, now, deadline);
    });
    if begun.is_none() {
        no_runtime("sleep");
    }
    go.waits_for_at("sleep", place);
    Poll::Pending
}

/// Sleeps for `span`, counted from the first poll; never less by the runtime's clock. A span of
/// zero yields once, and one beyond 64 bits never ends.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) Dropping it takes its timer away, in constant time as a rule.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::sleep;
///
/// async fn sleep_double(n: u64) {
///     sleep(2 * Duration::from_secs(n)).await;
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, sleep_double(2))).run(&mut |until| {
/// #     if let Until::At(tick) = until { clock.advance_to(tick) }
/// # });
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn sleep(span: Duration) -> Sleep {
    let (target, noted) = Target::after(span);
    Sleep { target, place: CallSite::here(), entry: Entry::sleeping(noted) }
}

/// Sleeps until `instant`. One that has passed yields once; [`Instant::MAX`] never comes.
///
/// # Cancellation
/// [**Restartable.**](crate#cancellation) Dropping it takes its timer away.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, sleep_until};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let noon = clock() + Duration::from_secs(60);
/// sleep_until(noon).await;
/// assert_eq!(clock(), noon);
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn sleep_until(instant: Instant) -> Sleep {
    let (target, noted) = Target::at(instant);
    Sleep { target, place: CallSite::here(), entry: Entry::sleeping(noted) }
}

/// Gives other tasks a turn, and is a place where cancellation is noticed.
///
/// # Cancellation
/// [**Restartable.**](crate#cancellation) It has no effect of its own.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, VirtualClock};
/// use giambio_core::checkpoint;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut runtime = pin!(Runtime::new(&clock, async {
/// for chunk in [1, 2, 3].chunks(2) {
///     // … something that takes long …
///     # let _ = chunk;
///     checkpoint().await;
/// }
/// # }));
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn checkpoint() -> impl Future<Output = ()> {
    Checkpoint { has_yielded: false }
}

/// A byte, where an `async fn` would take three words.
struct Checkpoint {
    has_yielded: bool,
}

impl Future for Checkpoint {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_yielded {
            self.has_yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // In cancelled code the scope takes it from here. No budget is asked for: it has given way.
        if is_cancelled() { Poll::Pending } else { Poll::Ready(()) }
    }
}
