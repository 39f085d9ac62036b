//! Pages: as much memory as holds some hundred headers of one size, aligned to its size, so that a header's address leads to
//! its page, and from there to its thread.

use core::mem::size_of;

use super::mailbox::{Leaf, PAGE};
use crate::kernel::pin_ref::PinRef;
use crate::kernel::task::header::{Header, TaskRef};

/// What a page begins with.
#[repr(C, align(64))]
pub(crate) struct Page {
    leaf: Leaf,
    /// The [`Home`](super::home::Home) of the thread that it belongs to.
    pub(crate) home: *const (),
    /// What the headers' addresses differ by.
    stride: usize,
    /// The number of the first header; they are counted in the whole thread.
    first: u32,
}

/// Where the first header lies.
pub(crate) const HEAD: usize = size_of::<Page>();

impl Page {
    /// Makes a page of this memory.
    ///
    /// # Safety
    /// It is aligned to `PAGE`, as large, nobody else's, and never freed.
    pub(crate) unsafe fn start(memory: *mut u8, leaf: Leaf, home: *const (), stride: usize, first: u32) -> *const Page {
        let page = memory.cast::<Page>();
        // SAFETY: by contract.
        unsafe { page.write(Page { leaf, home, stride, first }) };
        page
    }

    /// How many headers have room in a page.
    pub(crate) const fn capacity(stride: usize) -> usize {
        (PAGE - HEAD) / stride
    }

    pub(crate) fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The page of a task.
    pub(crate) fn of(task: TaskRef) -> &'static Page {
        let page = task.as_ptr().cast::<u8>().map_addr(|address| address & !(PAGE - 1)).cast::<Page>();
        // SAFETY: with `std` each header lies in a page, and was reached by a pointer to the whole; NEVER-FREED.
        unsafe { &*page }
    }

    /// Which of the page's headers this is.
    pub(crate) fn slot(task: TaskRef) -> usize {
        let page = Page::of(task);
        (task.as_ptr().addr() % PAGE - HEAD) / page.stride
    }

    /// Counted in the whole thread, from 0.
    pub(crate) fn number(task: TaskRef) -> u32 {
        Page::of(task).first + Page::slot(task) as u32
    }

    /// The header of a slot in which a header was at some time.
    ///
    /// # Safety
    /// The leaf is that of a page, reached by a pointer to the whole.
    pub(crate) unsafe fn task_at(leaf: *const Leaf, slot: usize) -> TaskRef {
        let page = leaf.cast::<Page>();
        // SAFETY: by contract, `Page` is `repr(C)`, and NEVER-FREED.
        unsafe {
            let at = page.cast::<u8>().add(HEAD + slot * (*page).stride).cast::<Header>();
            PinRef::new(core::ptr::NonNull::new_unchecked(at.cast_mut()))
        }
    }
}
