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
//!
//! In a child of a fork the bell has to be another one than the parent's. It is renewed before the loop first sleeps there;
//! nobody rings before that, since none of the threads of the parent is there.

use std::sync::Arc;
use std::task::Wake;

#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};

#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering};

/// Ends a wait, from any thread.
pub(super) trait Bell: Send + Sync + 'static {
    fn ring(&self);
}

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const NOTIFIED: u8 = 2;

#[derive(Debug)]
pub(super) struct Notifier<B> {
    state: AtomicU8,
    bell: B,
}

impl<B> Notifier<B> {
    pub(super) fn new(bell: B) -> Self {
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

    /// From any thread. `true`: the loop sleeps, ring.
    #[must_use]
    fn notify(&self) -> bool {
        self.state.swap(NOTIFIED, Ordering::AcqRel) == ASLEEP
    }
}

impl<B: Bell> Notifier<B> {
    /// Rings though no wake has come.
    pub(super) fn ring(&self) {
        self.bell.ring();
    }
}

impl<B: Bell> Wake for Notifier<B> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.notify() {
            self.bell.ring();
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread;

    use super::Notifier;

    /// Ends one sleep, now or later, as an eventfd does.
    #[derive(Default)]
    struct Bell(Mutex<bool>, Condvar);

    impl Bell {
        fn ring(&self) {
            *self.0.lock().unwrap() = true;
            self.1.notify_one();
        }

        fn sleep(&self) {
            let mut rung = self.0.lock().unwrap();
            while !*rung {
                rung = self.1.wait(rung).unwrap();
            }
            *rung = false;
        }
    }

    /// The loop as `Reactor::wait` has it: work that came before a wake is seen before the loop sleeps
    /// for ever, or in the turn after it. Loom says so if it never wakes.
    fn until_all_is_seen(senders: usize) {
        let mut model = loom::model::Builder::new();
        // All interleavings of two threads; of three, those in which they are interrupted up to three times.
        model.preemption_bound = (senders > 1).then_some(3);
        model.check(move || {
            let shared = Arc::new((Notifier::new(Bell::default()), AtomicUsize::new(0)));
            for _ in 0..senders {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    if shared.0.notify() {
                        shared.0.bell.ring();
                    }
                });
            }
            // A turn, then a wait, and so on.
            while shared.1.load(Ordering::Relaxed) < senders {
                if shared.0.may_sleep() {
                    shared.0.bell.sleep();
                }
                shared.0.awake();
            }
        });
    }

    #[test]
    fn a_wake_ends_the_sleep_before_which_or_in_which_it_comes() {
        until_all_is_seen(1);
    }

    #[test]
    fn two_wakes_at_once_are_both_seen() {
        until_all_is_seen(2);
    }
}
