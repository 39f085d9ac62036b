//! What a loop does between two turns: wait for I/O, for the next deadline, for a wake.

#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use giambio_core::__fault as fault;
use giambio_core::{__timers_fired as timers_fired, Clock, Tick, Until, Wait};

use crate::reactor::{Events, Limit, Reactor};

/// Waits in the operating system: for this thread's sockets, for the next deadline, for wakes from other threads.
///
/// [`run`](crate::run()) is a loop over a [`Runtime`](crate::Runtime) and one of these. Take the two apart to put the
/// loop inside another one, of a window system or a game:
///
/// ```
/// use std::pin::pin;
/// use giambio::{Idle, Next, Runtime, StdClock, Wait, sleep};
/// use std::time::Duration;
///
/// let clock = StdClock::new();
/// let mut idle = Idle::new(clock)?;
/// let mut runtime = pin!(Runtime::new(clock, async { sleep(Duration::from_millis(1)).await; 7 }).with_notify(idle.waker()));
/// let value = loop {
///     match runtime.as_mut().turn() {
///         Next::Finished(value) => break value,
///         Next::Wait(until) => idle.wait(until),
///     }
/// };
/// assert_eq!(value, 7);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A wait may end early and for no reason; the next turn then says again when to come back.
///
/// A loop that has frames [looks](Idle::look) once in each. One that waits for something itself waits, on Unix, for the
/// descriptor of this too: `arm` has an example. And a loop that somebody else has, an executor or a window
/// system, has its guests: `docs/guests.md` says how, and the crate `giambio-tokio` is one.
pub struct Idle<C> {
    reactor: Rc<Reactor>,
    events: Events,
    waker: Waker,
    clock: C,
    /// The clock goes as the system's own does, and never jumps.
    is_steady: bool,
    slack: Slack,
}

/// How many events one wait takes from the system unless told otherwise.
pub(crate) const EVENTS_PER_WAIT: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// How long after a deadline the next one may wait for others, unless told otherwise: a wait costs several µs.
pub(crate) const TIMER_SLACK: Duration = Duration::from_micros(100);

/// No slack is longer: waking up once a second costs nothing worth saving.
const MOST_SLACK: Duration = Duration::from_secs(1);

/// How many it takes at most: room for them is made in advance, and more gain nothing.
const MOST_EVENTS: NonZeroUsize = NonZeroUsize::new(1 << 16).unwrap();

impl<C: Clock> Idle<C> {
    /// Waits on this thread's reactor; `clock` is the one that the runtime has.
    ///
    /// # Errors
    /// The reactor could not be made: the process has too many descriptors open.
    pub fn new(clock: C) -> io::Result<Idle<C>> {
        Idle::with(clock, false, EVENTS_PER_WAIT, TIMER_SLACK)
    }

    pub(crate) fn with(clock: C, is_steady: bool, events: NonZeroUsize, slack: Duration) -> io::Result<Idle<C>> {
        let reactor = Reactor::current();
        let events = reactor.events(events.min(MOST_EVENTS))?;
        let waker = reactor.waker()?;
        Ok(Idle { reactor, events, waker, clock, is_steady, slack: Slack::new::<C>(slack) })
    }

    /// Ends a wait, from any thread: for [`Runtime::with_notify`](crate::Runtime::with_notify).
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Takes what the system has to say, without waiting, and wakes who waits for it. The next turn is theirs.
    ///
    /// `true`: it has taken as many events as there is room for (1,024), and there may be more, of which an edge-triggered
    /// wait for the descriptor would not tell again. Look once more, after a turn for those that are ready.
    ///
    /// ```
    /// # use std::pin::pin;
    /// # use giambio::{Idle, Next, Runtime, StdClock, sleep};
    /// # use std::time::Duration;
    /// # let clock = StdClock::new();
    /// # let mut idle = Idle::new(clock)?;
    /// # let mut runtime = pin!(Runtime::new(clock, sleep(Duration::from_millis(1))));
    /// # let draw = || std::thread::sleep(Duration::from_millis(1));
    /// // A game: sockets, timers and other threads are seen once a frame.
    /// loop {
    ///     idle.look();
    ///     if let Next::Finished(()) = runtime.as_mut().turn() {
    ///         break;
    ///     }
    ///     draw(); // and wait for the next frame
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    /// As [`wait`](Wait::wait).
    pub fn look(&mut self) -> bool {
        waited(self.reactor.wait(&mut self.events, Limit::Now));
        self.events.is_full()
    }

    /// Until when a deadline is waited for.
    fn stretched(&mut self, tick: Tick) -> Tick {
        let clock = &self.clock;
        self.slack.stretch(tick, timers_fired(), || clock.now())
    }
}

fn waited<T>(outcome: io::Result<T>) -> T {
    outcome.unwrap_or_else(|error| panic!("the operating system refused to wait for I/O: {error}"))
}

impl<C: Clock> Wait for Idle<C> {
    /// # Panics
    /// The system refuses to wait, which it does only if the reactor's own descriptors were closed from outside.
    fn wait(&mut self, until: Until) {
        waited(match until {
            // Nothing could be found. Wakes from other threads are for the next turn to take.
            Until::Now if !self.reactor.watches_anything() => Ok(()),
            Until::Now => self.reactor.wait(&mut self.events, Limit::Now),
            Until::OnWake => self.reactor.wait(&mut self.events, Limit::Never),
            Until::At(tick) => {
                let tick = self.stretched(tick);
                let left = || left(&self.clock, tick);
                self.reactor
                    .wait(&mut self.events, Limit::At { moment: tick.0, is_steady: self.is_steady, left: &left })
            }
        });
    }

    /// Without a socket a wait merely idles.
    fn looks_for_io(&self, until: Until) -> bool {
        until == Until::Now || self.reactor.watches_sockets()
    }
}

impl<C: fmt::Debug> fmt::Debug for Idle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idle").field("reactor", &self.reactor).field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Sees to it that deadlines close to each other share a wait.
struct Slack {
    ticks: u64,
    /// The moment that was waited for last, if any was.
    last: Option<u64>,
    /// How many timers had gone off before.
    fired: u32,
}

impl Slack {
    fn new<C: Clock>(span: Duration) -> Slack {
        let ticks = span.min(MOST_SLACK).as_nanos() * u128::from(C::HZ) / NANOS;
        Slack { ticks: u64::try_from(ticks).unwrap_or(u64::MAX), last: None, fired: 0 }
    }

    /// A deadline that follows the last one closely is waited for until the slack is over, so that more may be due.
    /// What comes alone is waited for to the tick, and so is what comes after one that was given up before its time, or
    /// after a look at which nothing went off: that was for the timers' own sake.
    fn stretch(&mut self, deadline: Tick, fired: u32, now: impl FnOnce() -> Tick) -> Tick {
        let went_off = mem::replace(&mut self.fired, fired) != fired || fault!("looks-count-as-deadlines");
        let shared = self.last.filter(|_| went_off).and_then(|last| {
            // Not after the last one: it is waited for once more, or is new and comes before.
            let distance = deadline.0.checked_sub(last).filter(|distance| *distance > 0)?;
            (distance < self.ticks && last <= now().0).then(|| last.saturating_add(self.ticks))
        });
        let moment = shared.unwrap_or(deadline.0);
        self.last = Some(moment);
        Tick(moment)
    }
}

const NANOS: u128 = 1_000_000_000;

/// The time from now to `tick`, rounded up: never early.
fn left<C: Clock>(clock: &C, tick: Tick) -> Duration {
    let ticks = u128::from(tick.0.saturating_sub(clock.now().0));
    let hz = u128::from(C::HZ);
    let nanos = (ticks % hz * NANOS).div_ceil(hz);
    Duration::from_secs((ticks / hz) as u64) + Duration::from_nanos(nanos as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped<const HZ: u64>;
    impl<const HZ: u64> Clock for Stopped<HZ> {
        const HZ: u64 = HZ;
        fn now(&self) -> Tick {
            Tick(100)
        }
    }

    /// Until when the deadlines are waited for, one after the other, each wait to its end.
    fn stretched(slack: &mut Slack, deadlines: &[u64]) -> Vec<u64> {
        let (mut now, mut fired) = (0, 0);
        let mut wait = |deadline: &u64| {
            now = slack.stretch(Tick(*deadline), fired, || Tick(now)).0;
            fired += 1;
            now
        };
        deadlines.iter().map(&mut wait).collect()
    }

    #[test]
    fn deadlines_close_to_each_other_share_a_wait_and_others_are_waited_for_exactly() {
        let slack = || Slack::new::<Stopped<1_000_000>>(Duration::from_micros(100));
        assert_eq!(stretched(&mut slack(), &[1_000, 1_001, 1_101, 1_300]), [1_000, 1_100, 1_200, 1_300]);
        assert_eq!(stretched(&mut slack(), &[1_000, 500, 650]), [1_000, 500, 650]);
        assert_eq!(stretched(&mut Slack::new::<Stopped<1_000>>(TIMER_SLACK), &[7, 8, 9]), [7, 8, 9]);
    }

    #[test]
    fn a_deadline_that_is_waited_for_again_and_again_is_not_put_off_further() {
        let mut slack = Slack::new::<Stopped<1_000_000>>(Duration::from_micros(100));
        assert_eq!(stretched(&mut slack, &[1_000, 1_050, 1_050, 1_050, 1_050]), [1_000, 1_100, 1_050, 1_050, 1_050]);
    }

    #[test]
    fn the_first_deadline_follows_none_however_soon_it_comes() {
        for slack in [Duration::from_secs(1), Duration::MAX] {
            assert_eq!(stretched(&mut Slack::new::<Stopped<1_000>>(slack), &[5]), [5]);
        }
    }

    #[test]
    fn a_deadline_after_one_that_was_given_up_follows_none() {
        let mut slack = Slack::new::<Stopped<1_000_000>>(Duration::from_micros(100));
        let mut fired = 0;
        let mut wait = |now, deadline| {
            fired += 1;
            slack.stretch(Tick(deadline), fired, || Tick(now)).0
        };
        assert_eq!([wait(0, 1_000), wait(10, 1_010), wait(20, 1_020)], [1_000, 1_010, 1_020]);
        assert_eq!([wait(1_020, 1_030), wait(1_120, 1_121)], [1_120, 1_220]);
    }

    #[test]
    fn a_deadline_after_a_look_at_which_nothing_went_off_follows_none() {
        let mut slack = Slack::new::<Stopped<1_000_000>>(Duration::from_micros(100));
        let mut wait = |fired, deadline| slack.stretch(Tick(deadline), fired, || Tick(deadline)).0;
        assert_eq!([wait(0, 960), wait(0, 990), wait(0, 1_000)], [960, 990, 1_000]);
        assert_eq!(wait(40, 1_010), 1_100);
    }

    #[test]
    fn the_longest_slack_ends_after_a_second() {
        let mut slack = Slack::new::<Stopped<1_000>>(Duration::MAX);
        assert_eq!(stretched(&mut slack, &[5, 10, 5_000]), [5, 1_005, 5_000]);
    }

    #[test]
    fn a_loop_of_short_sleeps_goes_round_once_in_a_slack() {
        let mut slack = Slack::new::<Stopped<1_000>>(Duration::from_millis(100));
        assert_eq!(stretched(&mut slack, &[10, 20, 120, 220]), [10, 110, 210, 310]);
    }

    #[test]
    fn what_is_left_is_rounded_up_and_never_below_zero() {
        assert_eq!(left(&Stopped::<1_000>, Tick(101)), Duration::from_millis(1));
        assert_eq!(left(&Stopped::<3>, Tick(101)), Duration::from_nanos(333_333_334));
        assert_eq!(left(&Stopped::<32_768>, Tick(100 + 32_768)), Duration::from_secs(1));
        assert_eq!(left(&Stopped::<1>, Tick(99)), Duration::ZERO);
        assert_eq!(left(&Stopped::<1>, Tick(u64::MAX)), Duration::from_secs(u64::MAX - 100));
    }
}
