//! What belongs to a thread for as long as it lives, and goes on to another thread then: its headers, and what others leave
//! there and whom they tell. One for the program, without `std`.

#[cfg(not(feature = "std"))]
use alloc::alloc::alloc;
#[cfg(feature = "std")]
use alloc::alloc::{Layout, alloc, handle_alloc_error};
#[cfg(not(feature = "std"))]
use core::alloc::Layout;
#[cfg(feature = "std")]
use core::cell::Cell;
#[cfg(feature = "std")]
use core::ptr;
#[cfg(feature = "std")]
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[cfg(feature = "std")]
use super::mailbox::{Mailbox, PAGE};
#[cfg(feature = "std")]
use super::notify::Notify;
#[cfg(feature = "std")]
use super::page::{HEAD, Page};
use super::slab::{self, Slab};
#[cfg(feature = "std")]
use crate::kernel::task::header::{GENERATIONS, THREAD_SHIFT, generation_of, has_room_for_names};
use crate::kernel::task::header::{Header, TaskRef};

/// How many headers there can be on one thread.
pub(crate) const CAPACITY: usize = if usize::BITS == 64 { 1 << 28 } else { 1 << 18 };

/// One thread's. Leaked.
pub(crate) struct Home {
    slab: Slab,
    #[cfg(feature = "std")]
    thread: u32,
    /// Pages that are aligned, and not in use.
    #[cfg(feature = "std")]
    pages: Cell<(*mut u8, usize)>,
    /// Numbers given to pages, for each header that has room in one.
    #[cfg(feature = "std")]
    numbers: Cell<u32>,
    #[cfg(feature = "std")]
    pub(crate) mailbox: Mailbox,
    #[cfg(feature = "std")]
    pub(crate) notify: Notify,
    /// The thread has ended, with tasks alive: this goes on to another when they are gone.
    #[cfg(feature = "std")]
    pub(crate) ownerless: AtomicBool,
}

// SAFETY: the cells are touched by the owner alone (ONE-CONTEXT), and so are the headers but for their keys; the rest is atomic
// or under a lock. A home changes hands under a lock.
unsafe impl Sync for Home {}
// SAFETY: as above.
unsafe impl Send for Home {}

impl Home {
    #[cfg(feature = "std")]
    pub(crate) fn new(thread: u32) -> Self {
        Home {
            slab: Slab::new(),
            thread,
            pages: Cell::new((ptr::null_mut(), 0)),
            numbers: Cell::new(0),
            mailbox: Mailbox::new(),
            notify: Notify::new(),
            ownerless: AtomicBool::new(false),
        }
    }

    #[cfg(not(feature = "std"))]
    pub(crate) const fn new() -> Self {
        Home { slab: Slab::new() }
    }

    /// A free header of this class, or `None` if there are as many as there can be.
    pub(crate) fn claim(&'static self, class: usize) -> Option<TaskRef> {
        match self.slab.take(class) {
            Some(task) => Some(task),
            None => self.make(class),
        }
    }

    /// Takes a header back, which is in no list. Did the home wait for this, to go on to another thread?
    pub(crate) fn release(&self, class: usize, task: TaskRef) -> bool {
        let is_last = self.slab.put(class, task);
        #[cfg(feature = "std")]
        return is_last && self.ownerless.load(Relaxed);
        #[cfg(not(feature = "std"))]
        {
            // It is the only one.
            _ = is_last;
            false
        }
    }

    /// How many headers are in use.
    pub(crate) fn live(&self) -> usize {
        self.slab.live()
    }

    #[cold]
    #[cfg(not(feature = "std"))]
    fn make(&'static self, class: usize) -> Option<TaskRef> {
        let layout = Layout::from_size_align(slab::size_of_class(class), slab::GRAIN).ok()?;
        // SAFETY: the size isn't zero.
        let at = unsafe { alloc(layout) };
        if at.is_null() || self.slab.made() >= CAPACITY {
            return None;
        }
        // SAFETY: just allocated, and leaked.
        Some(unsafe { self.slab.make(at, Header::new()) })
    }

    #[cold]
    #[cfg(feature = "std")]
    fn make(&'static self, class: usize) -> Option<TaskRef> {
        if self.slab.made() >= CAPACITY {
            return None;
        }
        let at = match self.slab.fresh(class) {
            Some(at) => at,
            None => {
                self.add_page(class)?;
                self.slab.fresh(class)?
            }
        };
        // SAFETY: the memory of a page, which is leaked; each part of it is handed out once.
        Some(unsafe { self.slab.make(at, Header::new(self.owner())) })
    }

    #[cfg(feature = "std")]
    fn add_page(&'static self, class: usize) -> Option<()> {
        let stride = slab::size_of_class(class);
        let (leaf, tell) = self.mailbox.add_page()?;
        let memory = self.page();
        let count = Page::capacity(stride);
        let first = self.numbers.replace(self.numbers.get() + count as u32);
        // SAFETY: a page of its own, leaked.
        let page = unsafe { Page::start(memory, leaf, ptr::from_ref(self).cast(), stride, first) };
        tell(page.cast());
        self.slab.add(class, slab::Fresh { at: memory.wrapping_add(HEAD), left: count });
        Some(())
    }

    /// Memory for a page. It comes from the allocator in larger and larger parts, which are touched page by page.
    #[cfg(feature = "std")]
    fn page(&self) -> *mut u8 {
        let (mut at, mut left) = self.pages.get();
        if left == 0 {
            left = (self.slab.made() / 1024).clamp(4, 256);
            let layout = Layout::from_size_align(left * PAGE, PAGE).expect("a size that there is");
            // SAFETY: the size isn't zero.
            at = unsafe { alloc(layout) };
            if at.is_null() {
                handle_alloc_error(layout);
            }
            assert!(
                has_room_for_names(at.addr()) && has_room_for_names(at.addr() + layout.size()),
                "giambio: the allocator gives addresses of more than 48 bits, which leave no room in a waker for more"
            );
        }
        self.pages.set((at.wrapping_add(PAGE), left - 1));
        at
    }

    /// What the keys of this thread's headers have above the generation.
    #[cfg(feature = "std")]
    pub(crate) fn owner(&self) -> u32 {
        self.thread << THREAD_SHIFT
    }

    /// The home of a task.
    #[cfg(feature = "std")]
    pub(crate) fn of(task: TaskRef) -> &'static Home {
        // SAFETY: only `add_page` makes pages, with this type; it is leaked.
        unsafe { &*Page::of(task).home.cast() }
    }

    /// Takes the wakes of other threads: calls `wake` for each task, which may be over.
    #[cfg(feature = "std")]
    pub(crate) fn take_remote(&self, mut wake: impl FnMut(TaskRef)) {
        // SAFETY: leaves are those of our pages.
        self.mailbox.take(|leaf, slot| wake(unsafe { Page::task_at(leaf, slot) }));
    }
}

/// Leaves a wake with another thread, or with our own from a signal handler, unless the name is stale. Whom to notify?
///
/// `task` is what the name leads to.
#[cfg(feature = "std")]
pub(crate) fn post(task: TaskRef, name: *const ()) -> Option<&'static Home> {
    if task.key() & GENERATIONS != generation_of(name) {
        return None;
    }
    let home = Home::of(task);
    home.mailbox.post(Page::of(task).leaf(), Page::slot(task)).then_some(home)
}
