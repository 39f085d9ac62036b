//! Ends a wait from another thread.
//!
//! A wake from another thread is rare beside the wakes of the loop's own thread, and the loop is often awake when it
//! comes. So the bell, which costs a system call, is rung only when the loop sleeps; else a mark is left and the
//! next wait does not wait.
//!
//! # Invariant
//! **MARK-OR-RING**: after `wake` the loop makes another turn. If the state was `ASLEEP`, the bell ends the
//! wait; if it was `AWAKE`, the mark is seen when the loop next wants to sleep; `NOTIFIED` means that one of these is
//! still to come. The swaps order what the waking thread wrote before with what the loop reads after.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Wake;

use super::system::Bell;

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const NOTIFIED: u8 = 2;

#[derive(Debug)]
pub(super) struct Notifier {
    state: AtomicU8,
    bell: Bell,
}

impl Notifier {
    pub(super) fn new(bell: Bell) -> Notifier {
        Notifier { state: AtomicU8::new(AWAKE), bell }
    }

    /// The loop is about to sleep. `false`: it must not, a wake has come.
    #[must_use]
    pub(super) fn may_sleep(&self) -> bool {
        self.state.swap(ASLEEP, Ordering::AcqRel) != NOTIFIED
    }

    /// The loop is about to turn, and takes with it all wakes up to here.
    pub(super) fn awake(&self) {
        self.state.swap(AWAKE, Ordering::AcqRel);
    }
}

impl Wake for Notifier {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(NOTIFIED, Ordering::AcqRel) == ASLEEP {
            self.bell.ring();
        }
    }
}
