//! Room for a fixed number of children, in a `static`: nurseries without a heap.

use core::ptr::NonNull;

#[cfg(feature = "alloc")]
use super::Apart;
#[cfg(not(feature = "alloc"))]
use super::Whole;
#[cfg(feature = "alloc")]
use super::heap::{apart, release_header};
use super::slots::Slots;
use super::{Claim, Place, Slot};
use crate::call_site::CallSite;
use crate::kernel::foreign::wake;
#[cfg(feature = "alloc")]
use crate::kernel::memory::slab::class_of;
use crate::storage::Storage;

/// `TASKS` places for children of up to `BYTES` bytes each. It belongs into a `static`.
///
/// The bytes of a child are those of its future (or its result, if that is larger) and two words,
/// three with feature `hooks`; a name that it is given has room there too. Its header isn't counted: it lies
/// beside them, with feature `alloc` on the heap. A child that doesn't fit is a compile error that says both
/// sizes (when it is built; `cargo check` doesn't see it). A full arena is an error of
/// [`try_spawn`](crate::NurseryScope::try_spawn), or a wait in
/// [`spawn_wait`](crate::NurseryScope::spawn_wait).
///
/// A child aligned to more than 16 bytes (8 on 32-bit targets) is a compile error too.
///
/// Several nurseries may use one arena, also on several threads.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{Arena, checkpoint, nursery_in};
///
/// static ARENA: Arena<4, 256> = Arena::new();
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result: Result<(), &str> =
/// # pin!(Runtime::new(&clock, async {
/// nursery_in(&ARENA, async |n| {
///     n.spawn_wait(async { checkpoint().await; Ok(()) }).await;
///     assert!(n.try_spawn(async { Ok(()) }).is_ok());
///     assert_eq!(ARENA.used(), 2);
///     Ok(())
/// })
/// .await
/// # })).run(&mut |_| {});
/// # assert_eq!(result, Ok(()));
/// # assert_eq!(ARENA.used(), 0);
/// ```
pub struct Arena<const TASKS: usize, const BYTES: usize> {
    slots: Slots<TASKS, BYTES>,
}

impl<const TASKS: usize, const BYTES: usize> Arena<TASKS, BYTES> {
    /// An empty arena.
    pub const fn new() -> Self {
        const {
            assert!(TASKS > 0, "Arena<0, _> holds no task: choose TASKS >= 1");
            assert!(TASKS < u32::MAX as usize, "Arena: a slot's index has 32 bits");
        }
        Arena { slots: Slots::new() }
    }

    pub(crate) fn slots(&self) -> &Slots<TASKS, BYTES> {
        &self.slots
    }

    /// How many places are taken.
    pub fn used(&self) -> usize {
        self.slots.used()
    }

    /// How many places there are.
    pub const fn capacity(&self) -> usize {
        TASKS
    }
}

impl<const TASKS: usize, const BYTES: usize> Default for Arena<TASKS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const TASKS: usize, const BYTES: usize> core::fmt::Debug for Arena<TASKS, BYTES> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Arena({} of {TASKS} used, {BYTES} bytes each)", self.used())
    }
}

// SAFETY: slots lie in a `static`, and each belongs to one child until it is released; headers are never freed.
unsafe impl<const TASKS: usize, const BYTES: usize> Place for &'static Arena<TASKS, BYTES> {
    unsafe fn claim<H, P>(&self) -> Option<Claim> {
        let slots = self.slots();
        // SAFETY: by contract.
        slots.take().and_then(|index| unsafe { slots.claim_at::<H, P>(index) })
    }

    async unsafe fn room<H, P>(&self, place: CallSite) -> Claim {
        let slots = self.slots();
        let index = match slots.take() {
            Some(index) => index,
            None => slots.wait(place).await,
        };
        // SAFETY: by contract.
        match unsafe { slots.claim_at::<H, P>(index) } {
            Some(claim) => claim,
            None => panic!("giambio: all tasks that a thread can have are in use"),
        }
    }

    fn wake_waiting(&self) {
        self.slots().wake_waiting();
    }

    unsafe fn place<H, P>(Slot(task): Slot) -> NonNull<P> {
        // SAFETY: by contract: as `claim_at` has it.
        #[cfg(feature = "alloc")]
        return unsafe { apart::<H>(task) }.cast();
        // SAFETY: as above.
        #[cfg(not(feature = "alloc"))]
        return unsafe { NonNull::new_unchecked(&raw mut (*task.as_ptr().cast_mut().cast::<Whole<H, P>>()).place) };
    }

    unsafe fn release<H, P>(&self, Slot(task): Slot) {
        let slots = self.slots();
        #[cfg(feature = "alloc")]
        {
            // SAFETY: by contract: as `claim_at` has it.
            let index = slots.index_of(unsafe { apart::<H>(task) });
            release_header(const { class_of(size_of::<Apart<H>>()) }, task);
            wake(slots.give_back(index));
        }
        #[cfg(not(feature = "alloc"))]
        {
            // SAFETY: a header's address, which is not null.
            let at = unsafe { NonNull::new_unchecked(task.as_ptr().cast_mut().cast()) };
            wake(slots.give_back(slots.index_of(at)));
        }
    }
}

impl<const TASKS: usize, const BYTES: usize> Storage for &'static Arena<TASKS, BYTES> {
    fn capacity(&self) -> usize {
        TASKS
    }
}
