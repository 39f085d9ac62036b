//! What threads are to do, and where it waits for one.

use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a thread is to do. It keeps its outcome.
pub(crate) trait Job: Send + Sync {
    fn run(&self);
}

/// Runs a job. Destructors and foreign wakers may panic, and so may their panics; they must not take the thread along.
pub(crate) fn run(job: Arc<dyn Job + '_>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || job.run()))
        && let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(panic)))
    {
        mem::forget(second);
    }
}

/// Jobs that wait for a thread, in the order in which they came. Who gives one up takes it out: there may be hundreds of
/// thousands of them before a thread is free, and until then each would keep its memory.
#[derive(Default)]
pub(crate) struct Line<'a> {
    jobs: BTreeMap<u64, Arc<dyn Job + 'a>>,
    next: u64,
}

impl<'a> Line<'a> {
    /// The last one; by which number it is found.
    pub(crate) fn push(&mut self, job: Arc<dyn Job + 'a>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.jobs.insert(number, job);
        number
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<dyn Job + 'a>> {
        self.jobs.pop_first().map(|(_, job)| job)
    }

    /// Takes that one out, if it is there still. It is to be dropped where no lock is held.
    pub(crate) fn take(&mut self, number: u64) -> Option<Arc<dyn Job + 'a>> {
        self.jobs.remove(&number)
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }
}

/// Where a job was put.
pub(crate) trait Place {
    /// Takes the job out, if it waits there still.
    fn leave(&self);
}
