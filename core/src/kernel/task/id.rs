//! What a task is called in messages: a number that a person can say; and a note of a task, for who asks later.

#[cfg(not(feature = "std"))]
use super::header::Header;
use super::header::TaskRef;
#[cfg(feature = "std")]
use super::header::{GENERATIONS, THREAD_SHIFT};
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

/// Which task something is noted of. Without `std`, where a task's id says no more than where it is, the id is made when somebody asks
/// for it; with it the id says which of those it was that are in one place, one after the other.
#[cfg(feature = "std")]
#[derive(Clone, Copy)]
pub(crate) struct Noted(TaskId);

/// As above.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy)]
pub(crate) struct Noted(*const Header);

// SAFETY: NEVER-FREED; of a header it looks at what an interrupt may look at.
#[cfg(not(feature = "std"))]
unsafe impl Send for Noted {}

#[cfg(feature = "std")]
impl Noted {
    pub(crate) const NOBODY: Noted = Noted(TaskId::NONE);

    /// The task that is being polled.
    pub(crate) fn current() -> Self {
        Noted(now(|context| context.task()).map_or(TaskId::NONE, id_of))
    }

    pub(crate) fn id(self) -> Option<TaskId> {
        Some(self.0).filter(|task| *task != TaskId::NONE)
    }
}

#[cfg(not(feature = "std"))]
impl Noted {
    pub(crate) const NOBODY: Noted = Noted(core::ptr::null());

    /// As above.
    pub(crate) fn current() -> Self {
        Noted(now(|context| context.task.get()))
    }

    pub(crate) fn id(self) -> Option<TaskId> {
        // SAFETY: NEVER-FREED.
        core::ptr::NonNull::new(self.0.cast_mut()).map(|task| id_of(unsafe { TaskRef::new(task) }))
    }
}
