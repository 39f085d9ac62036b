//! Headers with some room behind them, by sizes: each is free or in use, and none is ever freed or moved (NEVER-FREED).
//!
//! So what a waker leads to is there for ever, and a child begins with one step that takes both its header and its memory. The
//! price is that a thread keeps as many as it ever had at once; so what is large has its memory apart, see
//! [`storage`](crate::kernel::storage).

use core::cell::Cell;

use crate::fault::fault;
use crate::kernel::pin_ref::PinRef;
use crate::kernel::task::header::{Header, TaskRef};

/// What two sizes differ by, and the alignment of all.
pub(crate) const GRAIN: usize = if align_of::<Header>() > 8 { align_of::<Header>() } else { 8 };

/// The smallest size: a header alone.
const SMALLEST: usize = size_of::<Header>().next_multiple_of(GRAIN);

/// The largest size.
pub(crate) const LARGEST: usize = SMALLEST + 512;

const CLASSES: usize = (LARGEST - SMALLEST) / GRAIN + 1;

/// The list for a size.
pub(crate) const fn class_of(bytes: usize) -> usize {
    assert!(bytes <= LARGEST);
    bytes.saturating_sub(SMALLEST).div_ceil(GRAIN)
}

/// How large the headers of a list are.
pub(crate) const fn size_of_class(class: usize) -> usize {
    SMALLEST + class * GRAIN
}

/// Memory where there was no header yet.
#[cfg(feature = "std")]
#[derive(Clone, Copy)]
pub(crate) struct Fresh {
    pub(crate) at: *mut u8,
    /// How many have room there.
    pub(crate) left: usize,
}

/// A thread's lists.
pub(crate) struct Slab {
    free: [Cell<Option<TaskRef>>; CLASSES],
    #[cfg(feature = "std")]
    fresh: [Cell<Fresh>; CLASSES],
    /// How many headers there are.
    made: Cell<usize>,
    /// How many are in use.
    live: Cell<usize>,
}

impl Slab {
    pub(crate) const fn new() -> Self {
        Slab {
            free: [const { Cell::new(None) }; CLASSES],
            #[cfg(feature = "std")]
            fresh: [const { Cell::new(Fresh { at: core::ptr::null_mut(), left: 0 }) }; CLASSES],
            made: Cell::new(0),
            live: Cell::new(0),
        }
    }

    /// How many headers there are, in use or not.
    pub(crate) fn made(&self) -> usize {
        self.made.get()
    }

    /// How many are in use.
    pub(crate) fn live(&self) -> usize {
        self.live.get()
    }

    /// One that is free, of those there are.
    pub(crate) fn take(&self, class: usize) -> Option<TaskRef> {
        let task = self.free[class].get()?;
        self.free[class].set(if fault!("header-given-twice") { Some(task) } else { task.next.get() });
        self.live.set(self.live.get() + 1);
        Some(task)
    }

    /// Takes one back. Is that the last?
    pub(crate) fn put(&self, class: usize, task: TaskRef) -> bool {
        task.next.set(self.free[class].replace(Some(task)));
        let live = self.live.get() - 1;
        self.live.set(live);
        live == 0
    }

    /// Makes one more, in use, where there was none.
    ///
    /// # Safety
    /// `at` is good for one of this class, aligned to `GRAIN`, nobody else's, and never freed.
    pub(crate) unsafe fn make(&self, at: *mut u8, header: Header) -> TaskRef {
        self.made.set(self.made.get() + 1);
        self.live.set(self.live.get() + 1);
        let at = at.cast::<Header>();
        // SAFETY: by contract; NEVER-FREED.
        unsafe {
            at.write(header);
            PinRef::new(core::ptr::NonNull::new_unchecked(at))
        }
    }

    /// The memory for the next of a class, or none is left.
    #[cfg(feature = "std")]
    pub(crate) fn fresh(&self, class: usize) -> Option<*mut u8> {
        let Fresh { at, left } = self.fresh[class].get();
        let left = left.checked_sub(1)?;
        self.fresh[class].set(Fresh { at: at.wrapping_add(size_of_class(class)), left });
        Some(at)
    }

    /// From now on there is this memory for a class.
    #[cfg(feature = "std")]
    pub(crate) fn add(&self, class: usize, fresh: Fresh) {
        self.fresh[class].set(fresh);
    }
}
