//! Supervision: work that is begun anew when it has failed, after a while, so many times.
//!
//! The policy is plain data in the waiting task: no heap, and on a microcontroller as on a server. What shall survive a failure
//! lies outside of the work, which borrows it.
//!
//! The back-off with its jitter is the "equal jitter" of Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog,
//! 2015): half of the span is kept, the other half is up to chance, so that many who failed together don't come back together.

mod child;

use core::time::Duration;

use crate::fault::fault;
use crate::gate::{current_task, is_cancelled};
use crate::sleep::{clock, sleep};
use crate::stop::{is_stopping, until_stopped};
use crate::task_info::TaskId;
use crate::time::Instant;

pub use child::RestartedChild;

/// When work is begun anew, and when it is given up; for [`keep_running`], and for [children](crate::Child::restart).
///
/// Unless it says otherwise it waits 100 ms after the first failure, twice as long after each further one, 30 s at most, for as
/// often as it takes.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::Restart;
///
/// const POLICY: Restart = Restart::on_error()
///     .backoff(Duration::from_millis(500), Duration::from_secs(60))
///     .limit(10, Duration::from_secs(600))
///     .stable_after(Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    always: bool,
    first: Duration,
    longest: Duration,
    limit: Option<(u32, Duration)>,
    stable_after: Duration,
    seed: Option<u32>,
}

impl Restart {
    /// Work that ends with an error is begun anew; what ends without one is done.
    pub const fn on_error() -> Self {
        Restart {
            always: false,
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            limit: None,
            stable_after: Duration::from_secs(60),
            seed: None,
        }
    }

    /// Work is begun anew however it ends: it should run for ever.
    ///
    /// ```
    /// use core::{cell::Cell, time::Duration};
    /// use giambio_core::{Restart, keep_running, testing};
    ///
    /// let runs = Cell::new(0);
    /// let policy = Restart::always().limit(3, Duration::from_secs(600)).seed(7);
    /// let work = async |_| {
    ///     runs.set(runs.get() + 1);
    ///     Ok::<(), ()>(()) // which is no end
    /// };
    /// testing::run(keep_running(policy, work)).unwrap();
    /// assert_eq!(runs.get(), 4); // and three times anew
    /// ```
    pub const fn always() -> Self {
        Restart { always: true, ..Restart::on_error() }
    }

    /// How long to wait: `first` after the first failure, twice as long after each one that follows, `longest` at most. Of each
    /// span up to a half is left out, by chance.
    ///
    /// # Panics
    /// If `first` is zero, since work that fails at once would then keep the thread busy, or longer than `longest`.
    pub const fn backoff(self, first: Duration, longest: Duration) -> Self {
        assert!(!first.is_zero(), "giambio: a back-off of no time spins: wait a millisecond at least");
        assert!(first.as_nanos() <= longest.as_nanos(), "giambio: the first back-off is longer than the longest one");
        Restart { first, longest, ..self }
    }

    /// Gives up when it would be begun anew more than `times` times within `period`, counted from the first of them. Zero times
    /// is never. For so many times in all, however long it takes, the period is [`Duration::MAX`]:
    ///
    /// ```
    /// use core::{cell::Cell, time::Duration};
    /// use giambio_core::{Restart, keep_running, testing};
    ///
    /// let attempts = Cell::new(0);
    /// let policy = Restart::on_error().limit(2, Duration::MAX); // two more attempts: three in all
    /// let work = async |_| {
    ///     attempts.set(attempts.get() + 1);
    ///     Err::<(), _>("no answer")
    /// };
    /// assert_eq!(testing::run(keep_running(policy, work)), Err("no answer"));
    /// assert_eq!(attempts.get(), 3);
    /// ```
    ///
    /// # Panics
    /// If `period` is zero, within which nothing ever happens twice: it would be no limit.
    pub const fn limit(self, times: u32, period: Duration) -> Self {
        assert!(!period.is_zero(), "giambio: a limit within no time limits nothing: say how long it counts");
        Restart { limit: Some((times, period)), ..self }
    }

    /// Work that ran for so long was well: what fails then is the first failure again. 60 s unless said.
    pub const fn stable_after(self, span: Duration) -> Self {
        Restart { stable_after: span, ..self }
    }

    /// What chance begins with, for those who want it to be the same each time; else it is the time.
    pub const fn seed(self, seed: u32) -> Self {
        Restart { seed: Some(seed), ..self }
    }
}

/// Which time it is that the work is begun; see [`keep_running`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// 0 the first time, and then how often it was begun anew.
    pub restarts: u32,
    /// How many failures came one after the other just now, without a stable time in between.
    pub failures: u32,
}

/// Runs `work`, and begins it anew when it has failed, as `policy` says; returns the value of what has ended well. `None`: a
/// scope around was [asked to stop](crate::is_stopping) during a back-off, and what had failed was begun anew no more.
///
/// State that shall survive lies outside, and `work` borrows it. A panic is no error: it goes on in the caller. When a scope
/// around is asked to stop, nothing is begun anew, and no back-off is waited for. As a child it is
/// [`Child::restart`](crate::Child::restart).
///
/// # Errors
/// That of the last attempt, when the limit is reached, or it has failed after a stop was asked for.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) It drops the work, and nothing is begun anew: what is cancelled has not
/// failed.
///
/// # Panics
/// Outside a runtime, and as `work`.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{Restart, clock, keep_running};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let mut lines = vec![]; // survives
/// let policy = Restart::on_error().backoff(Duration::from_secs(1), Duration::from_secs(8));
/// let connection = keep_running(policy, async |attempt| {
///     lines.push(format!("attempt {}", attempt.restarts));
///     if attempt.restarts < 3 { Err("no route to host") } else { Ok("connected") }
/// });
/// assert_eq!(connection.await, Ok(Some("connected")));
/// assert_eq!(lines.len(), 4);
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub async fn keep_running<T, E>(
    policy: Restart,
    mut work: impl AsyncFnMut(Attempt) -> Result<T, E>,
) -> Result<Option<T>, E> {
    let mut chance = Chance::new(policy.seed);
    let mut attempt = Attempt { restarts: 0, failures: 0 };
    // When the period of the limit began, and how often the work was begun anew in it.
    let (mut period_began, mut times): (Option<Instant>, u32) = (None, 0);
    loop {
        let began = clock();
        let outcome = work(attempt).await.map(Some);
        // In cancelled code no back-off would end, and what has come out of it would be lost.
        let is_last = is_stopping() || is_cancelled() && !fault!("errors-lost-in-a-back-off");
        if is_last || outcome.is_ok() && !policy.always {
            return outcome;
        }
        let now = clock();
        if now - began >= policy.stable_after {
            attempt.failures = 0;
        }
        if let Some((most, period)) = policy.limit {
            let began = period_began.filter(|&began| now - began < period);
            times = if began.is_some() { times } else { 0 };
            period_began = Some(began.unwrap_or(now));
            if times == most {
                return outcome;
            }
            times += 1;
        }
        let span = policy.first.saturating_mul(1 << attempt.failures.min(31)).min(policy.longest);
        attempt.failures = attempt.failures.saturating_add(1);
        attempt.restarts = attempt.restarts.saturating_add(1);
        if until_stopped(sleep(span - chance.part_of(span / 2))).await.is_none() {
            // It was to be begun anew, so the stop is all that ends it.
            return if fault!("failures-of-long-ago") { outcome } else { outcome.or(Ok(None)) };
        }
    }
}

/// Numbers that differ from one to the next, and from task to task: Marsaglia's xorshift with 32 bits. Spreading is all that
/// they are for.
struct Chance(u32);

impl Chance {
    fn new(seed: Option<u32>) -> Self {
        let now = clock().as_nanos();
        let seed = seed.unwrap_or((now ^ now >> 32) as u32);
        // Those who begin at the same moment are told from each other by the number of the task.
        let task = current_task().map_or(0, TaskId::bits);
        Chance((seed ^ task as u32).wrapping_mul(0x9e37_79b9) | 1)
    }

    /// Up to `span`.
    fn part_of(&mut self, span: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        Duration::from_nanos(((span.as_nanos() * u128::from(self.0)) >> 32) as u64)
    }
}
