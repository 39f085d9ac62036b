//! Wakes from other threads: one bit a control block, and a flag that some bit may be set.
//!
//! Nothing is ever lost and nothing ever grows: waking twice sets the same bit. The order makes
//! it so: a sender sets its bit, then the flag; the owner clears the flag, then takes the bits.
//! A sender sets the flag even when its bit was set already, since the thread that set that bit
//! may not have come to the flag yet.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[cfg(not(loom))]
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// "Some bit may be set."
#[derive(Debug)]
pub(crate) struct Pending(AtomicBool);

impl Pending {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Pending(AtomicBool::new(false))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Pending(AtomicBool::new(false))
    }

    /// Is there something to take? May be asked before waiting: a sender that comes later
    /// notifies.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Says again that some bit may be set, to an owner who is awake.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// The owner's first step. True: look through all bits.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::SeqCst)
    }
}

/// The bits of as many blocks as a word has.
#[derive(Debug)]
pub(crate) struct Bits(AtomicUsize);

impl Bits {
    pub(crate) const WIDTH: usize = usize::BITS as usize;

    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Bits(AtomicUsize::new(0))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Bits(AtomicUsize::new(0))
    }

    /// From any thread. True: the owner may be asleep, notify it.
    #[must_use = "true says that the owner must be notified"]
    pub(crate) fn post(&self, bit: usize, pending: &Pending) -> bool {
        self.0.fetch_or(1 << bit, Ordering::SeqCst);
        !pending.0.swap(true, Ordering::SeqCst)
    }

    /// The owner's second step, until it says `None`: takes the lowest bit.
    pub(crate) fn take_one(&self) -> Option<usize> {
        let bits = self.0.load(Ordering::SeqCst);
        if bits == 0 {
            return None;
        }
        let bit = bits.trailing_zeros() as usize;
        self.0.fetch_and(!(1 << bit), Ordering::SeqCst);
        Some(bit)
    }

    /// Takes all bits.
    #[cfg(all(test, loom))]
    fn take(&self) -> usize {
        core::iter::from_fn(|| self.take_one()).fold(0, |all, bit| all | 1 << bit)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::{Bits, Pending};
    use loom::sync::Arc;
    use loom::thread;
    use std::vec::Vec;

    /// Two threads wake, the owner takes: whatever the order, each wake is taken now or leaves
    /// the flag set for the next look, and someone was told to notify.
    #[test]
    fn no_wake_is_lost_and_a_sleeping_owner_is_notified() {
        loom::model(|| {
            let inbox = Arc::new((Bits::new(), Pending::new()));
            let senders: Vec<_> = (0..2)
                .map(|bit| {
                    let inbox = inbox.clone();
                    thread::spawn(move || inbox.0.post(bit, &inbox.1))
                })
                .collect();
            let mut seen = 0;
            if inbox.1.take() {
                seen |= inbox.0.take();
            }
            let notified = senders.into_iter().map(|t| t.join().unwrap()).filter(|n| *n).count();
            assert!(notified >= 1);
            if seen != 0b11 {
                assert!(inbox.1.take(), "bits are left, but nothing says so");
                seen |= inbox.0.take();
            }
            assert_eq!(seen, 0b11);
            assert!(!inbox.1.take() || inbox.0.take() == 0);
        });
    }

    /// The same bit from two threads: the second sender may not rely on the first one's flag.
    #[test]
    fn a_wake_after_the_take_is_seen_by_the_next_take() {
        loom::model(|| {
            let inbox = Arc::new((Bits::new(), Pending::new()));
            let data = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
            let sender = |n: usize| {
                let (inbox, data) = (inbox.clone(), data.clone());
                thread::spawn(move || {
                    data.fetch_add(n, loom::sync::atomic::Ordering::Relaxed);
                    let _ = inbox.0.post(0, &inbox.1);
                })
            };
            let (a, b) = (sender(1), sender(2));
            let mut last = 0;
            if inbox.1.take() && inbox.0.take() != 0 {
                last = data.load(loom::sync::atomic::Ordering::Relaxed);
            }
            a.join().unwrap();
            b.join().unwrap();
            if inbox.1.take() && inbox.0.take() != 0 {
                last = data.load(loom::sync::atomic::Ordering::Relaxed);
            }
            assert_eq!(last, 3, "the last look came before the last wake");
        });
    }

    /// A thread that has set its bit may be held up for long before it comes to the flag. Another one
    /// that sets the same bit meanwhile, and returns, has been heard all the same.
    #[test]
    fn a_wake_that_has_returned_waits_for_nobody() {
        loom::model(|| {
            let inbox = Arc::new((Bits::new(), Pending::new()));
            let sender = || {
                let inbox = inbox.clone();
                thread::spawn(move || inbox.0.post(0, &inbox.1))
            };
            let (held_up, heard) = (sender(), sender());
            heard.join().unwrap();
            assert!(inbox.1.take() && inbox.0.take() == 1, "it returned, and nothing says that it was there");
            held_up.join().unwrap();
        });
    }
}
