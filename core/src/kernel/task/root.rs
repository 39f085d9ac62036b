//! The headers of root tasks: like all others where there is a heap, and without one as many as lie in a `static`.

#[cfg(feature = "alloc")]
mod imp {
    use crate::kernel::memory::slab::class_of;
    use crate::kernel::storage::heap::{claim_header, release_header};
    use crate::kernel::task::header::{Header, TaskRef};

    const CLASS: usize = class_of(size_of::<Header>());

    pub(crate) fn claim() -> TaskRef {
        match claim_header(CLASS) {
            Some(task) => task,
            None => panic!("giambio: all tasks that a thread can have are in use"),
        }
    }

    pub(crate) fn release(task: TaskRef) {
        release_header(CLASS, task);
    }
}

#[cfg(not(feature = "alloc"))]
mod imp {
    use core::ptr::{self, NonNull};

    use crate::kernel::context::with;
    use crate::kernel::scope::node::ROOT;
    use crate::kernel::task::header::{Header, TaskRef};

    struct Headers([Header; ROOTS]);

    // SAFETY: headers are touched as all are (ONE-CONTEXT).
    unsafe impl Sync for Headers {}

    const ROOTS: usize = 2;
    static HEADERS: Headers = Headers([const { Header::new() }; ROOTS]);

    pub(crate) fn claim() -> TaskRef {
        // In one step: an interrupt may claim one as well.
        let free = with(|_| {
            let free = HEADERS.0.iter().find(|header| !header.is_live());
            free.inspect(|header| header.node.begin(ptr::null(), ROOT, 0))
        });
        match free {
            // SAFETY: LIVE: in a `static`.
            Some(header) => unsafe { TaskRef::new(NonNull::from(header)) },
            None => panic!("giambio: without feature `alloc` at most {ROOTS} runtimes exist at once"),
        }
    }

    pub(crate) fn release(_: TaskRef) {}
}

pub(crate) use imp::{claim, release};
