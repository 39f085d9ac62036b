//! Bursts: passes of a nursery without the way up to the runtime and down again, where nothing else is ready.
//!
//! The wait itself stays with the loop. The code around a nursery may have begun something in this very poll, which it polls
//! after the nursery: a burst holds that up for 64 polls at most, a wait would hold it up for ever.

use core::ptr;

use super::block::{Block, QUEUED};
use super::children::{Children, Polling};
use super::node::{EXPIRED, NURSERY, Node, ROOT, TASK};
use super::state::State;

impl Polling<'_> {
    #[inline]
    pub(super) fn goes_on(&self, state: &State) -> bool {
        let Some(task) = self.task else { return false };
        let is_ready = !self.children().ready.is_empty() || self.is_body_woken(task);
        if !is_ready || !self.has_time(state, task) {
            return false;
        }
        // A body's poll counts too, else one that only wakes itself would keep the loop.
        state.now.polls_left.set(state.now.polls_left.get() - 1);
        state.now.spent.set(0);
        state.now.since.set(task.queued_at.get());
        // As if it were polled anew: the wakes so far are the next pass's. But they may be for what the task does
        // beside the nursery, so it is queued again at the end.
        if task.has(QUEUED) {
            // SAFETY: PINNED: the task is being polled, and its parent is its nursery or null (WHOLE-POINTER).
            if let Some(nursery) = unsafe { (*task.cell.get()).parent.get().cast::<Children>().as_ref() } {
                nursery.ready.pop();
            }
            task.begin_poll();
            self.others_at.set(self.others_at.get().wrapping_add(1));
            self.owes_wake.set(true);
        }
        self.begin_pass();
        true
    }

    /// The same as `begins_anew` and the first child of the new pass, where it is plain to see: one wake since the nursery
    /// was known to be alone, and one child is ready, so that was it. Says how many polls are left then.
    #[inline(always)]
    pub(super) fn take_only(&self, state: &State, polls_left: u32) -> Option<(&'static Block, u32)> {
        let Children { node, ready, .. } = self.children();
        if state.wakes.get() != self.next_wake.get() {
            return None;
        }
        let (task, only) = (self.takes_only.get()?, ready.only()?);
        if node.is_cancelled() || self.is_body_woken(task) {
            return None;
        }
        let left = polls_left.checked_sub(1)?;
        self.next_wake.set(self.next_wake.get().wrapping_add(1));
        ready.clear();
        Some((only, left))
    }

    /// The pass is over, and no child has ended: may the next begin at once, with nothing to do but to poll children? So it
    /// is if the body was not woken, and `go_on` would say yes.
    #[inline(never)]
    pub(super) fn begins_anew(&self, state: &State) -> bool {
        let Some(task) = self.task else { return false };
        let ready = &self.children().ready;
        if ready.is_empty() || self.is_body_woken(task) || !self.has_time(state, task) {
            return false;
        }
        self.last.set(ready.last());
        true
    }

    /// Is there a poll left in this turn, and nobody else to have it?
    #[inline(never)]
    fn has_time(&self, state: &State, task: &'static Block) -> bool {
        if state.now.polls_left.get() == 0 || state.now.bursts.get() == 0 || self.entered.node.is_cancelled() {
            return false;
        }
        // What was alone is alone until somebody else is woken.
        let others = self.wakes_of_others(state, task);
        if !(self.is_known_alone.get() && self.others_at.get() == others) {
            self.is_known_alone.set(self.is_alone(state, task));
            self.others_at.set(others);
        }
        self.next_wake.set(state.wakes.get().wrapping_add(1));
        let is_alone = self.is_known_alone.get();
        self.takes_only.set((is_alone && !self.has_ended.get()).then_some(task));
        is_alone
    }

    /// A number that each wake changes, but those of the nursery's children and of its body's task: they are counted
    /// apart, and the latter is counted at most once until `goes_on` takes the task from its list.
    #[inline]
    fn wakes_of_others(&self, state: &State, task: &'static Block) -> u32 {
        let own = self.children().ready.pushed().wrapping_add(task.has(QUEUED).into());
        state.wakes.get().wrapping_sub(own)
    }

    /// Is nothing ready but this nursery's children and its body's task?
    ///
    /// Whatever is ready is in the list of its nursery, whose task is in the list of *its* nursery, and so on up to a task
    /// whose code is being polled: so it is in a list of a nursery around this one, or in a scope beside those in the
    /// code of their tasks. Of what else that code does beside the nursery nothing is known.
    fn is_alone(&self, state: &State, task: &'static Block) -> bool {
        let mut own: *const Block = task;
        let mut at: *const Node = self.entered.node;
        // SAFETY: PINNED: what is being polled is alive, and so is all around it.
        while let Some(node) = unsafe { at.as_ref() } {
            // Beside a scope that isn't a task there may be nurseries of the same task with children that are ready; and
            // a scope whose deadline has passed gets one last poll.
            if node.has(EXPIRED) || !(node.has(TASK | ROOT) || node.is_only_one()) {
                return false;
            }
            if node.has(NURSERY) && !ptr::eq(at, self.entered.node) {
                // SAFETY: it starts the nursery's core (WHOLE-POINTER).
                if !unsafe { &*at.cast::<Children>() }.ready.is_empty_but_for(own) {
                    return false;
                }
                own = ptr::null();
            } else if node.has(ROOT) && own.is_null() {
                // A root task is in no list.
                // SAFETY: PINNED: the runtime whose turn it is is alive.
                return !unsafe { state.now.runtime.get().as_ref() }.is_some_and(|root| root.is_queued());
            }
            at = node.parent.get();
        }
        true
    }
}
