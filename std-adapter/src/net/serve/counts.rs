//! What a server has done.

use std::cell::Cell;
use std::fmt;

/// What a server does and has done, to look at while it runs: see [`Serve::counts`](super::Serve::counts).
///
/// ```
/// use giambio::net::Counts;
///
/// let counts = Counts::new(); // for `serve(…).counts(&counts)`
/// assert_eq!((counts.now(), counts.peak(), counts.finished() + counts.failed() + counts.timed_out()), (0, 0, 0));
/// ```
///
/// Of those that were accepted, each is served [now](Counts::now) or has finished, failed, run out of time, or was cut off.
#[derive(Default)]
pub struct Counts {
    accepted: Cell<u64>,
    now: Cell<usize>,
    peak: Cell<usize>,
    finished: Cell<u64>,
    failed: Cell<u64>,
    timed_out: Cell<u64>,
    shortages: Cell<u64>,
}

/// How a handler ended that wasn't cut off.
#[derive(Clone, Copy)]
pub(super) enum End {
    Finished,
    Failed,
    TimedOut,
}

impl Counts {
    /// Of a server that has not begun.
    pub fn new() -> Counts {
        Counts::default()
    }

    /// How many connections were accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// How many are being served.
    pub fn now(&self) -> usize {
        self.now.get()
    }

    /// How many were served at once, at most.
    pub fn peak(&self) -> usize {
        self.peak.get()
    }

    /// How many handlers have ended by themselves, without an error.
    pub fn finished(&self) -> u64 {
        self.finished.get()
    }

    /// How many handlers have returned an error.
    pub fn failed(&self) -> u64 {
        self.failed.get()
    }

    /// How many were cancelled since their [time](super::Serve::time_limit) was over.
    pub fn timed_out(&self) -> u64 {
        self.timed_out.get()
    }

    /// How many were cut off: cancelled with the server or after its [grace](super::Serve::grace), or dropped; and those that
    /// panicked.
    pub fn cut_off(&self) -> u64 {
        self.accepted() - self.now() as u64 - self.finished() - self.failed() - self.timed_out()
    }

    /// How often a connection could not be accepted for want of descriptors or memory. It was tried again soon.
    pub fn shortages(&self) -> u64 {
        self.shortages.get()
    }

    pub(super) fn begins(&self) {
        self.accepted.set(self.accepted.get() + 1);
        self.now.set(self.now.get() + 1);
        self.peak.set(self.peak.get().max(self.now.get()));
    }

    /// `None`: it was cut off.
    pub(super) fn ends(&self, end: Option<End>) {
        self.now.set(self.now.get() - 1);
        let count = match end {
            None => return,
            Some(End::Finished) => &self.finished,
            Some(End::Failed) => &self.failed,
            Some(End::TimedOut) => &self.timed_out,
        };
        count.set(count.get() + 1);
    }

    pub(super) fn lacks(&self) {
        self.shortages.set(self.shortages.get() + 1);
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("accepted", &self.accepted())
            .field("now", &self.now())
            .field("peak", &self.peak())
            .field("finished", &self.finished())
            .field("failed", &self.failed())
            .field("timed_out", &self.timed_out())
            .field("cut_off", &self.cut_off())
            .field("shortages", &self.shortages())
            .finish()
    }
}
