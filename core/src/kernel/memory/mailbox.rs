//! Wakes from other threads: one bit a task, one a page, and a word that says where some bit may be set.
//!
//! Nothing is ever lost and nothing ever grows: waking twice sets the same bit. The order makes it so: a sender sets its task's
//! bit, then the page's, then the word's; the owner clears the word's, then takes the pages', then the tasks'. A sender sets
//! all three even when some were set already, since the thread that set them may not have come to the next yet. What the
//! owner looks through is in proportion to the pages in which something was woken, not to the tasks that there are.

use alloc::alloc::{Layout, alloc, handle_alloc_error};
use core::cell::Cell;
use core::ptr;
#[cfg(not(loom))]
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::{AtomicPtr, Ordering};
#[cfg(loom)]
use loom::sync::atomic::AtomicUsize;

use crate::fault::fault;
use crate::kernel::task::header::Header;

/// Which of a number of places may have a bit set.
#[derive(Debug)]
pub(crate) struct Pending(AtomicUsize);

impl Pending {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Pending(AtomicUsize::new(0))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Pending(AtomicUsize::new(0))
    }

    /// Is there something to take? May be asked before waiting: a sender that comes later notifies.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }

    /// Says that some bit may be set at this place. True: nobody had said so of any, and the owner may be asleep.
    pub(crate) fn set(&self, place: usize) -> bool {
        self.0.fetch_or(1 << place, Ordering::SeqCst) == 0
    }

    /// The owner's first step: look at all of these places.
    pub(crate) fn take(&self) -> usize {
        if fault!("inbox-taken-before-the-flag") {
            let places = self.0.load(Ordering::Relaxed);
            self.0.store(0, Ordering::SeqCst);
            return places;
        }
        if self.0.load(Ordering::Relaxed) == 0 { 0 } else { self.0.swap(0, Ordering::SeqCst) }
    }
}

/// As many bits as a word has.
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

    /// A sender's first step, and its second.
    pub(crate) fn set(&self, bit: usize) {
        self.0.fetch_or(1 << bit, Ordering::SeqCst);
    }

    /// The owner's second step and its third: takes the bits that are set now, each as it comes to it. One that is set
    /// meanwhile is for the next look: a thread that wakes again and again would never let go of the owner.
    pub(crate) fn take(&self) -> impl Iterator<Item = usize> {
        let mut left = self.0.load(Ordering::SeqCst);
        core::iter::from_fn(move || {
            if left == 0 && fault!("look-without-end") {
                left = self.0.load(Ordering::SeqCst);
            }
            (left != 0).then(|| {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                self.0.fetch_and(!(1 << bit), Ordering::SeqCst);
                bit
            })
        })
    }
}

/// What a sender does, in this order.
#[must_use = "true says that the owner must be notified"]
fn post(task: (&Bits, usize), page: (&Bits, usize), pending: (&Pending, usize)) -> bool {
    if fault!("inbox-trusts-the-bit") && task.0.0.load(Ordering::SeqCst) & 1 << task.1 != 0 {
        return false;
    }
    task.0.set(task.1);
    page.0.set(page.1);
    pending.0.set(pending.1)
}

/// How many bytes a page has, and its alignment.
pub(crate) const PAGE: usize = 16 << 10;

/// How many headers there are in a page at most.
const SLOTS: usize = PAGE / size_of::<Header>();

/// Groups lie in chunks that double in size: the highest bit of a group's number says in which.
const CHUNKS: usize = if usize::BITS == 64 { 24 } else { 12 };

/// As many pages as a word has bits.
struct Group {
    bits: Bits,
    leaves: [AtomicPtr<Leaf>; Bits::WIDTH],
}

/// As much as allocators take from the system by itself, by default: what is leaked in there holds up nothing around it.
/// (After a million tasks of 1 KiB a chunk of 33 KB among them kept 650 MiB from going back.)
const ALONE: usize = 256 << 10;

/// Groups without a page. Leaked.
fn new_groups(count: usize) -> *mut Group {
    let groups = Layout::array::<Group>(count).expect("a size that there is");
    // The first one is small, and lies among a thread's first tasks.
    let size = if count == 1 { groups.size() } else { groups.size().max(ALONE) };
    let layout = Layout::from_size_align(size, groups.align()).expect("a size that there is");
    // SAFETY: the size isn't zero.
    let first = unsafe { alloc(layout) }.cast::<Group>();
    if first.is_null() {
        handle_alloc_error(layout);
    }
    for number in 0..count {
        let group = Group { bits: Bits::new(), leaves: [const { AtomicPtr::new(ptr::null_mut()) }; Bits::WIDTH] };
        // SAFETY: there is room for as many, just allocated.
        unsafe { first.add(number).write(group) };
    }
    first
}

/// The part of a page that other threads touch.
pub(crate) struct Leaf {
    words: [Bits; SLOTS.div_ceil(Bits::WIDTH)],
    group: &'static Group,
    /// Of the page, in its group.
    bit: usize,
    /// Where the group lies.
    chunk: usize,
}

/// One thread's. All that it leads to is leaked.
pub(crate) struct Mailbox {
    pending: Pending,
    chunks: [AtomicPtr<Group>; CHUNKS],
    /// How many pages there are. The owner's.
    pages: Cell<usize>,
}

// SAFETY: `pages` is touched by the owner alone; all else is atomic.
unsafe impl Sync for Mailbox {}

impl Mailbox {
    pub(crate) fn new() -> Self {
        Mailbox {
            pending: Pending::new(),
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
            pages: Cell::new(0),
        }
    }

    /// Has another thread woken something?
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.is_set()
    }

    /// The group of a number, which counts from 1, and its chunk. The chunk is made, if it is the first of it.
    fn group(&self, number: usize) -> Option<(&'static Group, usize)> {
        let chunk = number.ilog2() as usize;
        let place = self.chunks.get(chunk)?;
        let mut first = place.load(Ordering::Acquire);
        if first.is_null() {
            first = new_groups(1 << chunk);
            place.store(first, Ordering::Release);
        }
        // SAFETY: leaked; a number lies within the chunk that its highest bit says.
        Some((unsafe { &*first.add(number - (1 << chunk)) }, chunk))
    }

    /// Room for one more page: what is to be written to its leaf, and who tells where that is. `None`: there are too many.
    pub(crate) fn add_page(&self) -> Option<(Leaf, impl FnOnce(*const Leaf))> {
        let number = self.pages.get();
        let (group, chunk) = self.group(number / Bits::WIDTH + 1)?;
        self.pages.set(number + 1);
        let bit = number % Bits::WIDTH;
        let leaf = Leaf { words: core::array::from_fn(|_| Bits::new()), group, bit, chunk };
        Some((leaf, move |at: *const Leaf| group.leaves[bit].store(at.cast_mut(), Ordering::Release)))
    }

    /// A wake for this slot of a page. True: the owner may be asleep, notify it.
    #[must_use = "true says that the owner must be notified"]
    pub(crate) fn post(&self, leaf: &Leaf, slot: usize) -> bool {
        let task = (&leaf.words[slot / Bits::WIDTH], slot % Bits::WIDTH);
        post(task, (&leaf.group.bits, leaf.bit), (&self.pending, leaf.chunk))
    }

    /// Takes the wakes: calls `wake` for each, with the leaf of its page and the slot.
    pub(crate) fn take(&self, wake: impl FnMut(*const Leaf, usize)) {
        let places = self.pending.take();
        if places != 0 {
            self.take_from(places, wake);
        }
    }

    #[cold]
    fn take_from(&self, mut places: usize, mut wake: impl FnMut(*const Leaf, usize)) {
        // If a foreign waker panics in between, the rest isn't forgotten.
        struct Rest<'a>(&'a Mailbox, usize);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                if self.1 != 0 {
                    self.0.pending.0.fetch_or(self.1, Ordering::SeqCst);
                }
            }
        }
        struct Page<'a>(&'a Group, Option<usize>);
        impl Drop for Page<'_> {
            fn drop(&mut self) {
                if let Some(bit) = self.1 {
                    self.0.bits.set(bit);
                }
            }
        }
        let mut rest = Rest(self, places);
        while places != 0 {
            let chunk = places.trailing_zeros() as usize;
            let first = self.chunks[chunk].load(Ordering::Acquire);
            for at in 0..1_usize << chunk {
                // SAFETY: only a chunk that there is has its bit set, and it is leaked.
                let group = unsafe { &*first.add(at) };
                for bit in group.bits.take() {
                    let mut page = Page(group, Some(bit));
                    let leaf = group.leaves[bit].load(Ordering::Acquire).cast_const();
                    // SAFETY: only a page that there is has its bit set, and it is leaked.
                    for (number, word) in unsafe { &(*leaf).words }.iter().enumerate() {
                        for bit in word.take() {
                            wake(leaf, number * Bits::WIDTH + bit);
                        }
                    }
                    page.1 = None;
                }
            }
            places &= places - 1;
            rest.1 = places;
        }
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use std::boxed::Box;
    use std::sync::OnceLock;
    use std::vec::Vec;

    use super::*;

    /// A thread that wakes a task again whenever the owner takes that wake keeps the owner no longer than any other.
    #[test]
    fn what_is_woken_while_the_owner_looks_is_there_at_its_next_look() {
        static MAILBOX: OnceLock<Mailbox> = OnceLock::new();
        let mailbox = MAILBOX.get_or_init(Mailbox::new);
        let (leaf, tell) = mailbox.add_page().unwrap();
        let leaf: &'static Leaf = Box::leak(Box::new(leaf));
        tell(leaf);
        assert!(mailbox.post(leaf, 3));
        for _ in 0..2 {
            let mut taken = Vec::new();
            mailbox.take(|_, slot| {
                taken.push(slot);
                let _ = taken.len() < 1_000 && mailbox.post(leaf, slot);
            });
            assert_eq!(taken, [3]);
            assert!(mailbox.is_pending());
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::{Bits, Pending, post};
    use loom::sync::Arc;
    use loom::thread;
    use std::vec::Vec;

    /// Two tasks of one page.
    struct Inbox {
        tasks: Bits,
        page: Bits,
        pending: Pending,
    }

    impl Inbox {
        fn new() -> Arc<Inbox> {
            Arc::new(Inbox { tasks: Bits::new(), page: Bits::new(), pending: Pending::new() })
        }

        fn post(&self, task: usize) -> bool {
            post((&self.tasks, task), (&self.page, 3), (&self.pending, 1))
        }

        /// What the owner finds, as [`Mailbox::take`](super::Mailbox::take) looks for it.
        fn take(&self) -> usize {
            let mut found = 0;
            if self.pending.take() != 0 {
                for _ in self.page.take() {
                    for bit in self.tasks.take() {
                        found |= 1 << bit;
                    }
                }
            }
            found
        }
    }

    /// Two threads wake, the owner takes: whatever the order, each wake is taken now or at the next look, and somebody was
    /// told to notify.
    #[test]
    fn no_wake_is_lost_and_a_sleeping_owner_is_notified() {
        loom::model(|| {
            let inbox = Inbox::new();
            let senders: Vec<_> = (0..2)
                .map(|task| {
                    let inbox = inbox.clone();
                    thread::spawn(move || inbox.post(task))
                })
                .collect();
            let mut seen = inbox.take();
            let notified = senders.into_iter().map(|t| t.join().unwrap()).filter(|n| *n).count();
            assert!(notified >= 1);
            if seen != 0b11 {
                assert!(inbox.pending.is_set(), "bits are left, but nothing says so");
                seen |= inbox.take();
            }
            assert_eq!(seen, 0b11);
            assert_eq!(inbox.take(), 0);
        });
    }

    /// The same task from two threads: the second sender may not rely on what the first one has set.
    #[test]
    fn a_wake_after_the_take_is_seen_by_the_next_take() {
        loom::model(|| {
            let inbox = Inbox::new();
            let data = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
            let sender = |n: usize| {
                let (inbox, data) = (inbox.clone(), data.clone());
                thread::spawn(move || {
                    data.fetch_add(n, loom::sync::atomic::Ordering::Relaxed);
                    let _ = inbox.post(0);
                })
            };
            let (a, b) = (sender(1), sender(2));
            let mut last = 0;
            if inbox.take() != 0 {
                last = data.load(loom::sync::atomic::Ordering::Relaxed);
            }
            a.join().unwrap();
            b.join().unwrap();
            if inbox.take() != 0 {
                last = data.load(loom::sync::atomic::Ordering::Relaxed);
            }
            assert_eq!(last, 3, "the last look came before the last wake");
        });
    }

    /// A thread that has set its task's bit may be held up for long before it comes to the rest. Another one that wakes the
    /// same task meanwhile, and returns, has been heard all the same.
    #[test]
    fn a_wake_that_has_returned_waits_for_nobody() {
        loom::model(|| {
            let inbox = Inbox::new();
            let sender = || {
                let inbox = inbox.clone();
                thread::spawn(move || inbox.post(0))
            };
            let (held_up, heard) = (sender(), sender());
            heard.join().unwrap();
            assert_eq!(inbox.take(), 1, "it returned, and nothing says that it was there");
            held_up.join().unwrap();
        });
    }
}
