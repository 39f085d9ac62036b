//! Another order of a pass, for tests that must not depend on who is polled first: in a runtime that has a seed, as those of
//! [`testing`](crate::testing) may.

use crate::kernel::run_queue::RunQueue;
use crate::kernel::task::header::TaskRef;

#[cfg(feature = "std")]
mod imp {
    use alloc::vec::Vec;

    use super::{RunQueue, TaskRef};
    use crate::kernel::context::{Context, now};

    /// Reorders a pass whose last task this is, if this runtime's passes are; returns what is last then.
    pub(in super::super) fn reorder(queue: &RunQueue, last: Option<TaskRef>) -> Option<TaskRef> {
        match now(Context::chance) {
            Some(chance) => shuffle(queue, last, chance),
            None => last,
        }
    }

    /// Reorders the queue up to `last` by chance; returns what is last then.
    #[cold]
    fn shuffle(queue: &RunQueue, last: Option<TaskRef>, mut chance: u64) -> Option<TaskRef> {
        let last = last?;
        if queue.first().is_some_and(|first| first.is(last)) {
            return Some(last);
        }
        let mut tasks: Vec<TaskRef> = Vec::new();
        // Nobody else comes to the queue meanwhile: its nursery is being polled, and is busy here.
        while let Some(task) = queue.pop() {
            tasks.push(task);
            if task.is(last) {
                break;
            }
        }
        // Fisher and Yates's, with Steele's splitmix64 for the dice.
        for i in (1..tasks.len()).rev() {
            chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = chance;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            tasks.swap(i, ((z ^ (z >> 31)) % (i as u64 + 1)) as usize);
        }
        let last = tasks.last().copied();
        for task in tasks.into_iter().rev() {
            queue.push_front(task);
        }
        last
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::{RunQueue, TaskRef};

    pub(in super::super) fn reorder(_: &RunQueue, last: Option<TaskRef>) -> Option<TaskRef> {
        last
    }
}

pub(super) use imp::reorder;
