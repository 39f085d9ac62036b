//! Cancels code at each of its suspensions, one run after the other.

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use std::cell::Cell;

use super::simulation::Simulation;
use crate::cancel::cancel_scope;
use crate::gate::__census as live_tasks;

/// More suspensions than this are taken for code that has no end.
const MANY: usize = 10_000;

/// Runs what `make` makes in virtual time, again and again: cancelled at its first suspension, at its second, and so on,
/// until it comes to its end before; and at each of them a second time, where it is dropped instead, as the losers of a
/// `select!` are. After each run `check` is told its value, if it had one, or `None`, and says whether the world is as it
/// should be: nothing lost, nothing half done.
///
/// A suspension is a poll of the whole that leaves it waiting, whatever in it was polled. The order of the runs is always the
/// same, so what went wrong once goes wrong again; the panic says at which suspension it was.
///
/// # Panics
/// * As `make`, what it makes, and `check`, with a line before that says which run it was.
/// * As [`run`](super::run), if a run has no end, and if one has more than 10,000 suspensions.
/// * If a task is left over.
///
/// ```
/// use core::cell::Cell;
/// use core::time::Duration;
/// use giambio_core::sleep;
/// use giambio_core::testing::cancel_everywhere;
///
/// struct Busy<'a>(&'a Cell<u32>);
///
/// impl Drop for Busy<'_> {
///     fn drop(&mut self) {
///         self.0.set(self.0.get() - 1);
///     }
/// }
///
/// let (busy, done) = (Cell::new(0), Cell::new(0));
/// let work = || async {
///     busy.set(busy.get() + 1);
///     let _busy = Busy(&busy);
///     sleep(Duration::from_secs(1)).await;
///     sleep(Duration::from_secs(1)).await;
///     done.set(done.get() + 1);
/// };
/// let runs = cancel_everywhere(work, |value| {
///     assert_eq!(busy.get(), 0);
///     assert_eq!(done.take(), if value.is_some() { 1 } else { 0 });
/// });
/// assert_eq!(runs, 6); // at the first sleep, at the second, not at all
/// ```
#[track_caller]
pub fn cancel_everywhere<F: Future>(mut make: impl FnMut() -> F, mut check: impl FnMut(Option<F::Output>)) -> usize {
    let mut runs = 0;
    for suspension in 0.. {
        assert!(suspension < MANY, "giambio: {MANY} suspensions and no end: `cancel_everywhere` takes work that ends");
        let mut has_ended = true;
        for way in [Way::Cancelled, Way::Dropped] {
            let told = TellsWhere { suspension, way };
            let before = live_tasks();
            let is_over = Cell::new(true);
            let value = Simulation::new().run(cut_off(make(), suspension, way, &is_over));
            let left = live_tasks() - before;
            assert!(left == 0, "giambio: {left} tasks are left over");
            check(value);
            core::mem::forget(told);
            has_ended &= is_over.get();
            runs += 1;
        }
        if has_ended {
            break;
        }
    }
    runs
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Cancelled,
    Dropped,
}

/// Runs it up to a suspension. `is_over`: it did not get so far.
async fn cut_off<F: Future>(work: F, suspension: usize, way: Way, is_over: &Cell<bool>) -> Option<F::Output> {
    let mut left = suspension;
    let outcome = cancel_scope(async |scope| {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let value = work.as_mut().poll(cx).map(Some);
            if value.is_pending() && is_over.get() {
                if left == 0 {
                    is_over.set(false);
                    match way {
                        Way::Cancelled => scope.cancel(),
                        Way::Dropped => return Poll::Ready(None),
                    }
                }
                left = left.saturating_sub(1);
            }
            value
        })
        .await
    });
    outcome.await.unwrap_or(None)
}

/// Says which run it was, if that panics.
struct TellsWhere {
    suspension: usize,
    way: Way,
}

impl Drop for TellsWhere {
    fn drop(&mut self) {
        let TellsWhere { suspension, way } = self;
        std::eprintln!(
            "giambio: this happened where the work was {way:?} at its suspension number {suspension}, from 0"
        );
    }
}
