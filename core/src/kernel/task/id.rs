//! What a task is called in messages: a number that a person can say.

use super::header::TaskRef;
#[cfg(feature = "std")]
use super::header::{GENERATIONS, THREAD_SHIFT};
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
        use super::header::Header;
        use crate::kernel::context::now;
        let (from, at) = (now(|context| core::ptr::from_ref(context).addr()), task.as_ptr().addr());
        let (distance, is_before) = if at < from { (from - at, 1) } else { (at - from, 0) };
        TaskId::new(0, 0, (distance / align_of::<Header>() * 2 + is_before) as u32)
    }
}
