//! The deadlines of a runtime, and what happens when one has come.

use core::cell::Cell;
use core::ptr;
use core::task::Waker;

use super::rate::Rate;
use super::sleeper::{Sleeper, Slept};
use crate::fault::fault;
use crate::kernel::context::{Context, with};
use crate::kernel::mask::{Mark, Place};
use crate::kernel::scope::node::{EXPIRED, HOLD, Node};
use crate::kernel::scope::shields::tell_of_grace;
use crate::kernel::timer::{Popped, TimerQueue};
use crate::kernel::used::DEADLINES;
use crate::kernel::waker::Kept;
use crate::panics::First;

/// What comes with a deadline. Its own code looks at home and state, and whoever fires it changes them.
pub(super) struct Alarm {
    pub(super) home: Place<Heap>,
    state: Mark,
    pub(super) rate: Rate,
    pub(super) what: What,
}

/// How far the sleep is that an entry is in.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum State {
    New,
    /// It has begun, and waits for its deadline.
    Waits,
    /// It has begun when its time had passed. From here on it is over.
    AtOnce,
    /// The deadline has come.
    Fired,
}

/// What happens at the deadline.
pub(super) enum What {
    /// A sleeping future is woken.
    Wake { waker: Kept, sleeper: Sleeper },
    /// The scope whose [`Timed`] this entry is in expires.
    Expire { node: Cell<*const Node> },
}

impl Alarm {
    pub(super) const fn new(what: What) -> Self {
        Alarm { home: Place::new(ptr::null()), state: Mark::new(State::New as u8), rate: Rate::new(), what }
    }

    pub(super) fn is(&self, state: State) -> bool {
        self.state.get() == state as u8
    }

    pub(super) fn is_over(&self) -> bool {
        self.state.get() >= State::AtOnce as u8
    }

    pub(super) fn set(&self, state: State) {
        self.state.set(state as u8);
    }

    /// The deadline has come: it is in no heap any more.
    fn fires(&self) {
        self.home.set(ptr::null());
        self.set(State::Fired);
    }
}

/// The deadlines of one runtime. Pinned with it: entries know where it is.
pub(crate) struct Heap {
    pub(super) queue: TimerQueue<Alarm>,
}

/// What to do about an entry that has come due.
pub(crate) struct Due {
    /// A waker that isn't ours.
    pub(crate) foreign: Option<Waker>,
    /// Another, of the scope that a grace holds.
    pub(crate) looker: Option<Waker>,
    pub(crate) slept: Slept,
}

impl Heap {
    pub(crate) const fn new() -> Self {
        Heap { queue: TimerQueue::new() }
    }

    /// Is no deadline set?
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When to look again: at the soonest deadline or, where many come, somewhat before it.
    pub(crate) fn next(&self) -> Option<u64> {
        self.queue.next()
    }

    /// Prepares for what comes next, a part at a time; is there more to prepare?
    pub(crate) fn spread(&self) -> bool {
        self.queue.spread()
    }

    /// Fires the soonest entry if it is due. Ours are woken, a foreign waker is handed out.
    pub(crate) fn fire(&self, now: u64) -> Option<Due> {
        loop {
            match with(|context| self.fire_one(context, now)) {
                Popped::Due(due) => return Some(due),
                Popped::More => {}
                Popped::Nothing => return None,
            }
        }
    }

    fn fire_one(&self, context: &Context, now: u64) -> Popped<Due> {
        self.queue.pop(now).map(|timer| {
            let alarm = timer.with();
            alarm.fires();
            context.count_fired();
            match &alarm.what {
                What::Wake { waker, sleeper } => {
                    Due { foreign: waker.wake(context), looker: None, slept: sleeper.wakes() }
                }
                // A sleep's is the only kind that there is.
                What::Expire { .. } if !DEADLINES.is() => Due { foreign: None, looker: None, slept: Slept::NOBODY },
                What::Expire { node } => {
                    let whole = node.get();
                    // SAFETY: PINNED: the node lies beside the entry, in the same `Timed`.
                    let looker = unsafe { whole.as_ref() }.and_then(|node| {
                        node.set(EXPIRED);
                        // Who is polled no more hears nothing of the end of its grace.
                        if node.has(HOLD) { tell_of_grace(context, node) } else { None }
                    });
                    Due {
                        // SAFETY: as above; good for the whole.
                        foreign: unsafe { context.wake_node(whole) },
                        looker,
                        slept: Slept::NOBODY,
                    }
                }
            }
        })
    }

    /// Takes out some entry, which lives on in no heap; whom to wake, so that its next poll sets it in another one.
    fn part(&self, context: &Context) -> Option<Option<Waker>> {
        let timer = self.queue.pop_any()?;
        let alarm = timer.with();
        alarm.home.set(ptr::null());
        if fault!("deadlines-die-with-their-runtime") {
            return Some(None);
        }
        Some(match &alarm.what {
            What::Wake { waker, .. } => waker.wake(context),
            // SAFETY: PINNED: the node lies beside the entry, in the same `Timed`; good for the whole.
            What::Expire { node } => unsafe { context.wake_node(node.get()) },
        })
    }
}

impl Drop for Heap {
    /// The entries live on, in no heap. Who waits for one may be polled by another runtime from now on, and has to be polled
    /// for that.
    fn drop(&mut self) {
        let mut first = First::new();
        while let Some(foreign) = with(|context| self.part(context)) {
            if let Some(foreign) = foreign {
                first.catch(|| foreign.wake());
            }
        }
        first.resume();
    }
}
