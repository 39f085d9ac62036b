//! The slots of an arena, free list and waiters.

use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::task::Waker;

#[cfg(feature = "alloc")]
use super::Apart;
#[cfg(feature = "alloc")]
use super::heap::{claim_apart, claim_header};
use super::{Claim, Whole};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
#[cfg(feature = "alloc")]
use crate::kernel::foreign::wake;
#[cfg(feature = "alloc")]
use crate::kernel::memory::slab::class_of;
#[cfg(not(feature = "alloc"))]
use crate::kernel::pin_ref::PinRef;
use crate::kernel::task::header::Header;
use crate::kernel::used::ROOM_AWAITED;
use crate::kernel::wait_queue::{Held, Line, Turn, WaitQueue, Waiting};

/// Arenas are shared by all who poll (ONE-CONTEXT).
#[cfg(all(feature = "one-context", not(any(feature = "std", feature = "hooks"))))]
type Kind = crate::kernel::wait_queue::Local;
#[cfg(not(all(feature = "one-context", not(any(feature = "std", feature = "hooks")))))]
type Kind = crate::kernel::wait_queue::Shared;

/// No slot: links are a slot's index plus 1, so that an empty arena is all zeros and takes no room in an image.
const NONE: u32 = 0;

/// Room for one child. Aligned for what futures commonly hold.
#[cfg_attr(target_pointer_width = "64", repr(C, align(16)))]
#[cfg_attr(not(target_pointer_width = "64"), repr(C, align(8)))]
struct Room<const BYTES: usize> {
    // First: what all children have starts with it, and goes on behind it.
    #[cfg(not(feature = "alloc"))]
    header: Header,
    /// A child's, or in the free list the link to the next.
    memory: UnsafeCell<MaybeUninit<[u8; BYTES]>>,
}

impl<const BYTES: usize> Room<BYTES> {
    const fn new() -> Self {
        Room {
            #[cfg(not(feature = "alloc"))]
            header: Header::new(),
            memory: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

/// What is waited for.
struct ARoom;

/// In a word.
pub(crate) const WORD: &str = "room";

impl Named for ARoom {
    const NAME: &'static str = WORD;
}

impl Held for Free {}

struct Free {
    /// The slot that was given back last.
    first: Cell<u32>,
    /// Slots from here on were never used.
    fresh: Cell<u32>,
    used: Cell<u32>,
}

/// See [`Arena`](super::arena::Arena).
pub(crate) struct Slots<const TASKS: usize, const BYTES: usize> {
    slots: [Room<BYTES>; TASKS],
    /// Who waits is granted the index of a slot.
    free: WaitQueue<Free, u32, Kind>,
}

// SAFETY: a slot's memory belongs to who claimed it, or to the free list, which is touched under the
// lock; headers are touched as all are (ONE-CONTEXT).
unsafe impl<const TASKS: usize, const BYTES: usize> Sync for Slots<TASKS, BYTES> {}

impl<const TASKS: usize, const BYTES: usize> Slots<TASKS, BYTES> {
    pub(crate) const fn new() -> Self {
        Slots {
            slots: [const { Room::new() }; TASKS],
            free: WaitQueue::new(Free { first: Cell::new(NONE), fresh: Cell::new(0), used: Cell::new(0) }),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.free.with(|free, _| free.used.get()) as usize
    }

    /// Where a free slot keeps its link.
    fn link_in(&self, index: u32) -> *mut u32 {
        self.slots[index as usize].memory.get().cast()
    }

    pub(super) fn take(&self) -> Option<u32> {
        self.free.with(|free, _| self.take_from(free))
    }

    fn take_from(&self, free: &Free) -> Option<u32> {
        let index = match free.first.get() {
            NONE if (free.fresh.get() as usize) < TASKS => free.fresh.replace(free.fresh.get() + 1),
            NONE => return None,
            link => {
                // SAFETY: in the free list: `put` has left the link there.
                free.first.set(unsafe { self.link_in(link - 1).read() });
                link - 1
            }
        };
        free.used.set(free.used.get() + 1);
        Some(index)
    }

    /// To the first who waits, else to the free list. The waker is for outside of the lock.
    pub(super) fn give_back(&self, index: u32) -> Option<Waker> {
        self.free.with(|free, line| self.put(free, line, index))
    }

    fn put(&self, free: &Free, line: &Line<u32>, index: u32) -> Option<Waker> {
        let granted = if ROOM_AWAITED.is() { line.grant(index) } else { Err(index) };
        match granted {
            Ok(waker) if !fault!("place-given-twice") => waker,
            handed => {
                // SAFETY: the slot was a child's, and what a child has there is larger than a link (`check`: a waker). It is
                // given back, so nobody else looks at its memory (NEVER-REUSED-UNDROPPED).
                unsafe { self.link_in(index).write(free.first.replace(index + 1)) };
                free.used.set(free.used.get() - 1);
                handed.unwrap_or(None)
            }
        }
    }

    /// That of what lies in a slot: with a heap the header, which may be aligned more strictly, is not there.
    const fn alignment<H, P>() -> usize {
        if cfg!(feature = "alloc") { align_of::<P>() } else { align_of::<Whole<H, P>>() }
    }

    /// What a child takes of a slot: all but its header.
    const fn check<H, P>() {
        const {
            assert!(
                size_of::<Whole<H, P>>() - size_of::<Header>() <= BYTES,
                "giambio: a child is too large for the slots of its arena; the next error shows by \
                 how many bytes: give `Arena<TASKS, BYTES>` at least that many more BYTES"
            );
            assert!(
                Self::alignment::<H, P>() <= align_of::<Room<BYTES>>(),
                "giambio: a child needs a stricter alignment than the slots of an arena have"
            );
        }
        // Fails with the two sizes in the message: `attempt to compute `BYTES - size`…`.
        const { BYTES - (size_of::<Whole<H, P>>() - size_of::<Header>()) };
    }

    /// A child's, in the slot that was taken.
    ///
    /// # Safety
    /// As [`claim`](super::Place::claim).
    #[cfg(feature = "alloc")]
    pub(super) unsafe fn claim_at<H, P>(&'static self, index: u32) -> Option<Claim> {
        Self::check::<H, P>();
        let Some(task) = claim_header(const { class_of(size_of::<Apart<H>>()) }) else {
            wake(self.give_back(index));
            return None;
        };
        let place = NonNull::from(&self.slots[index as usize].memory).cast();
        // SAFETY: within the header's memory, which is as large as its class says.
        Some(unsafe { claim_apart::<H>(task, place) })
    }

    /// A child's, in the slot that was taken.
    ///
    /// # Safety
    /// As [`claim`](super::Place::claim).
    #[cfg(not(feature = "alloc"))]
    pub(super) unsafe fn claim_at<H, P>(&'static self, index: u32) -> Option<Claim> {
        Self::check::<H, P>();
        let slot = NonNull::from(&self.slots[index as usize]);
        // SAFETY: LIVE: in a `static`; the header comes first.
        let task = unsafe { PinRef::new(slot.cast()) };
        // SAFETY: within the slot, as was checked.
        let place = unsafe { slot.cast::<u8>().add(core::mem::offset_of!(Whole<H, P>, place)) };
        Some(Claim { task, place })
    }

    /// Which slot this is in.
    pub(super) fn index_of(&self, at: NonNull<u8>) -> u32 {
        let start = self.slots.as_ptr().addr();
        ((at.addr().get() - start) / size_of::<Room<BYTES>>()) as u32
    }

    /// Wakes all who wait.
    pub(super) fn wake_waiting(&self) {
        if ROOM_AWAITED.is() && !fault!("a-decided-race-waits-for-room") {
            self.free.wake_waiting();
        }
    }

    pub(super) fn wait(&'static self, place: CallSite) -> impl Future<Output = u32> {
        ROOM_AWAITED.note();
        let take = |free: &Free, _: &Line<u32>, turn| match turn {
            Turn::Granted(index) => Some(index),
            // One may have become free before it is in line.
            _ => self.take_from(free),
        };
        let pass_on = |free: &Free, line: &Line<u32>, late: Option<u32>| self.put(free, line, late?);
        leaf::<ARoom, _>(Waiting::granted(&self.free, take, pass_on), place)
    }
}
