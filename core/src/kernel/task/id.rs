//! What a task is called in messages: a number that a person can say; and a note of a task, for who asks later.

#[cfg(not(feature = "std"))]
use super::header::Header;
#[cfg(feature = "std")]
use super::header::{GENERATIONS, THREAD_SHIFT, generation_of};
use super::header::{TaskRef, name, named};
use crate::kernel::context::now;
#[cfg(feature = "std")]
use crate::kernel::memory::page::Page;
use crate::kernel::scope::node::ROOT;
use crate::task_info::TaskId;

/// The id of a task, which may be over, but whose header no other one has yet.
pub(crate) fn id_of(task: TaskRef) -> TaskId {
    if task.node.has(ROOT) {
        return TaskId::MAIN;
    }
    #[cfg(feature = "std")]
    {
        // At its end it has got the next one's generation.
        let key = task.key();
        let generation = key.wrapping_sub(task.is_done().into()) & GENERATIONS;
        TaskId::new((key >> THREAD_SHIFT) as u16, generation as u16, Page::number(task))
    }
    // How far from this crate's own memory, which is nearby: other than an address, a small number.
    #[cfg(not(feature = "std"))]
    {
        let (from, at) = (now(|context| core::ptr::from_ref(context).addr()), task.as_ptr().addr());
        let (distance, is_before) = if at < from { (from - at, 1) } else { (at - from, 0) };
        TaskId::new(0, 0, (distance / align_of::<Header>() * 2 + is_before) as u32)
    }
}

/// Which task something is noted of. It is what a waker of the task says, and the id is made of it when somebody asks: that
/// is many times as much as to note it.
#[derive(Clone, Copy)]
pub(crate) struct Noted(*const ());

// SAFETY: NEVER-FREED; of a header it looks at nothing but its key, and without `std` at what an interrupt may look at.
unsafe impl Send for Noted {}

/// A root task's with `std`, where one more thread may ask, and not look into the header. No header lies there.
#[cfg(feature = "std")]
const MAIN: *const () = core::ptr::without_provenance(1);

impl Noted {
    pub(crate) const NOBODY: Noted = Noted(core::ptr::null());

    /// The task that is being polled.
    pub(crate) fn current() -> Self {
        let Some(task) = now(|context| context.task()) else { return Noted::NOBODY };
        #[cfg(feature = "std")]
        if task.node.has(ROOT) {
            return Noted(MAIN);
        }
        Noted(name(task))
    }

    /// The task, which may be over.
    pub(crate) fn id(self) -> Option<TaskId> {
        #[cfg(feature = "std")]
        if self.0 == MAIN {
            return Some(TaskId::MAIN);
        }
        if self.0.is_null() {
            return None;
        }
        // SAFETY: `name` gave it.
        let task = unsafe { named(self.0) };
        #[cfg(feature = "std")]
        let id = TaskId::new((task.key() >> THREAD_SHIFT) as u16, generation_of(self.0) as u16, Page::number(task));
        #[cfg(not(feature = "std"))]
        let id = id_of(task);
        Some(id)
    }
}
