//! The poll of a nursery that is cancelled: what is in it is dropped, but for what a shield holds; and that too, if nobody
//! polls it.

use core::task::Context;

use super::drive::{Body, Polling};
use crate::kernel::context::with;
use crate::kernel::scope::asking::{self, Rest};
use crate::kernel::scope::node::{CANCELLED, HOLD};
use crate::kernel::task::header::DIRECT;
use crate::kernel::used::HOLDS;
use crate::panics::{First, Payload};

impl Polling {
    /// A poll of the nursery begins, which was cancelled before.
    #[cold]
    pub(super) fn begin_cancelled(&self, body: &mut dyn Body) {
        if self.nursery.node().has(CANCELLED) {
            with(|context| asking::begin(context, self.nursery.node()));
        }
        self.drop_idle(body, false);
    }

    /// A poll of the nursery ends, which is cancelled.
    #[cold]
    pub(super) fn end_cancelled(&self, body: &mut dyn Body, cx: &Context<'_>) {
        self.leave_child();
        self.drop_idle(body, false);
        if self.is_forsaken(cx) {
            self.drop_idle(body, true);
        }
        let node = self.nursery.node();
        // While shields inside are at work, an error that is known holds the scopes around: they would drop it. A scope that is
        // active counts already, and the end of its node counts down.
        if node.is_active() && body.has_failed() {
            HOLDS.note();
            with(|_| node.set(HOLD));
        }
        // Children that the turn has left over are a wake like any other for the scopes around that look whether they are at
        // rest.
        if with(|_| node.is_active() && !self.nursery.queue.is_empty()) {
            cx.waker().wake_by_ref();
        }
    }

    /// The nursery is cancelled: drops the body and all children but those in which a shield is at work, and these too if it is
    /// forsaken.
    #[cold]
    pub(super) fn drop_idle(&self, body: &mut dyn Body, is_forsaken: bool) {
        if !self.nursery.body_is_over.get() && (is_forsaken || !self.body_is_active()) {
            if !self.nursery.node().has(CANCELLED) {
                self.nursery.cut_short.set(true);
            }
            self.nursery.body_is_over.set(true);
            body.drop();
        }
        if let Err(payload) = self.drop_idle_children(is_forsaken) {
            body.panicked(payload, None);
        }
    }

    fn drop_idle_children(&self, is_forsaken: bool) -> Result<(), Payload> {
        let mut first = First::new();
        // Once is enough: a child whose shields end later is woken and dropped in its own turn.
        if self.nursery.dropped_idle.replace(true) && self.nursery.node().is_active() && !is_forsaken {
            return Ok(());
        }
        self.nursery.each(|task| {
            if !task.is_done() && (is_forsaken || !task.node.is_active()) {
                first.catch(|| self.kill(task));
            }
        });
        first.into_result()
    }

    /// Is a shield at work in the body (not in a child)?
    fn body_is_active(&self) -> bool {
        with(|_| self.nursery.node().has_active_inside())
    }

    /// Is it cancelled, at rest, and held by what nobody polls?
    fn is_forsaken(&self, cx: &Context<'_>) -> bool {
        let (node, nursery) = (self.nursery.node(), self.children());
        if !node.has(CANCELLED) || with(|_| !node.is_active()) {
            return false;
        }
        let is_woken = with(|_| {
            let is_task_woken = self.task.is_some_and(|task| task.wake.get() & DIRECT != 0);
            !nursery.queue.is_empty() || nursery.is_body_awake() || is_task_woken
        });
        let rest = match self.task {
            _ if is_woken => Rest::Woken,
            Some(_) => Rest::At(&nursery.looked_at),
            None => Rest::of_foreign(&nursery.looked_at),
        };
        // SAFETY: alive while it is polled, and made from the whole.
        unsafe { asking::is_forsaken(self.node_ptr(), rest, cx.waker()) }
    }
}
