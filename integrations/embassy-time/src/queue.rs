//! Who is to be woken when: one place a task. Embassy has no way to take a request back, and a
//! task repeats it each time it is polled.

use core::task::Waker;

use heapless::Vec;

pub(crate) struct Queue<const N: usize> {
    waiting: Vec<(u64, Waker), N>,
}

impl<const N: usize> Queue<N> {
    pub(crate) const fn new() -> Self {
        Queue { waiting: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn soonest(&self) -> Option<u64> {
        self.waiting.iter().map(|(at, _)| *at).min()
    }

    /// Moves the request of a task that is in the queue already, if this one is sooner. Is it now
    /// the soonest of all? `None`: the task isn't there.
    pub(crate) fn move_up(&mut self, at: u64, waker: &Waker) -> Option<bool> {
        let is_soonest = self.is_soonest(at);
        let (known, _) = self.waiting.iter_mut().find(|(_, known)| known.will_wake(waker))?;
        *known = at.min(*known);
        Some(is_soonest)
    }

    /// Adds a request. Is it now the soonest of all? The waker is handed back if there is no room.
    pub(crate) fn add(&mut self, at: u64, waker: Waker) -> Result<bool, Waker> {
        let is_soonest = self.is_soonest(at);
        self.waiting.push((at, waker)).map_err(|(_, waker)| waker)?;
        Ok(is_soonest)
    }

    fn is_soonest(&self, at: u64) -> bool {
        self.soonest().is_none_or(|soonest| at < soonest)
    }

    /// Takes somebody out whose time has come.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<Waker> {
        let due = self.waiting.iter().position(|(at, _)| *at <= now)?;
        Some(self.waiting.swap_remove(due).1)
    }
}
