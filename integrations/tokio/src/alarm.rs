//! The one timer of tokio's that a guest has.

use std::pin::Pin;
use std::task::{Context, Poll};

use giambio_core::Tick;
use tokio::time::{Sleep, sleep_until};

use crate::clock::TokioClock;

/// Set only for a deadline that comes before the one that it is set to: deadlines that keep moving away, as time-outs do, cost
/// nothing. Where it goes off too early for what is then the next, there is a turn in vain, and it is set again.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: TokioClock,
    /// Made when first needed: a runtime without timers may have guests that need none.
    sleep: Option<Pin<Box<Sleep>>>,
    /// What it is set to.
    tick: u64,
}

impl Alarm {
    pub(crate) fn new(clock: TokioClock) -> Alarm {
        Alarm { clock, sleep: None, tick: 0 }
    }

    /// Wakes `cx` at `tick`, or before. Ready if it has gone off.
    pub(crate) fn poll(&mut self, tick: Tick, cx: &mut Context<'_>) -> Poll<()> {
        let is_set = self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed()) && self.tick <= tick.0;
        if !is_set {
            self.tick = tick.0;
        }
        let at = self.clock.instant(tick);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if !is_set {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}
