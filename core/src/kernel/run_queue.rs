//! The tasks of a nursery that are to be polled: first in, first out; linked through their headers.
//!
//! An interrupt may append. So it is changed with interrupts kept out, and looked at in any case: a look is the load of a word.

use core::ptr::{self, NonNull};

use super::mask::Pointer;
use super::task::header::{Header, TaskRef};

pub(crate) struct RunQueue {
    head: Pointer<Header>,
    tail: Pointer<Header>,
}

/// The task that this leads to.
fn task(pointer: &Pointer<Header>) -> Option<TaskRef> {
    // SAFETY: NEVER-FREED.
    NonNull::new(pointer.get().cast_mut()).map(|task| unsafe { TaskRef::new(task) })
}

/// Null for none.
fn address(task: Option<TaskRef>) -> *const Header {
    task.map_or(ptr::null(), TaskRef::as_ptr)
}

impl RunQueue {
    pub(crate) const fn new() -> Self {
        RunQueue { head: Pointer::new(ptr::null()), tail: Pointer::new(ptr::null()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// Appends a task that is in no queue.
    #[inline] // on a chip: with `queue_in` 8 instructions less in a yield, 9 to a task (`cargo xtask bench-embedded`)
    pub(crate) fn push(&self, task: TaskRef) {
        task.next.set(None);
        match self.last() {
            Some(tail) => tail.next.set(Some(task)),
            None => self.head.set(task.as_ptr()),
        }
        self.tail.set(task.as_ptr());
    }

    /// Puts a task that is in no queue before all others.
    pub(crate) fn push_front(&self, task: TaskRef) {
        let head = self.first();
        self.head.set(task.as_ptr());
        task.next.set(head);
        if head.is_none() {
            self.tail.set(task.as_ptr());
        }
    }

    /// Takes the task that waits longest.
    pub(crate) fn pop(&self) -> Option<TaskRef> {
        self.first().inspect(|first| self.pop_first(*first))
    }

    /// Takes the first one.
    #[inline] // on a chip: with `Context::wake` 6 instructions less in a yield, 13 to a task
    pub(crate) fn pop_first(&self, first: TaskRef) {
        debug_assert!(self.first().is_some_and(|head| head.is(first)));
        let next = first.next.get();
        self.head.set(address(next));
        if next.is_none() {
            self.tail.set(ptr::null());
        }
    }

    /// The task that waits longest.
    pub(crate) fn first(&self) -> Option<TaskRef> {
        task(&self.head)
    }

    /// The task that came last.
    pub(crate) fn last(&self) -> Option<TaskRef> {
        task(&self.tail)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use core::ptr::NonNull;

    use super::*;
    use crate::kernel::pin_ref::PinRef;
    use crate::kernel::task::header::Header;

    #[test]
    fn random_changes_agree_with_a_queue() {
        let headers: Vec<Header> = (0..10).map(|_| Header::new(0)).collect();
        // SAFETY: the headers outlive the queue, and are not moved.
        let at = |number: usize| unsafe { PinRef::new(NonNull::from(&headers[number])) };
        let (queue, mut model) = (RunQueue::new(), VecDeque::new());
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (seed >> 33) as usize % headers.len();
            match model.contains(&number) {
                true => {
                    let popped = queue.pop().unwrap();
                    assert!(popped.is(at(model.pop_front().unwrap())));
                }
                false if seed & 1 << 60 == 0 => {
                    model.push_back(number);
                    queue.push(at(number));
                }
                false => {
                    model.push_front(number);
                    queue.push_front(at(number));
                }
            }
            assert_eq!(queue.is_empty(), model.is_empty());
            let same = |found: Option<TaskRef>, number: Option<&usize>| match (found, number) {
                (Some(found), Some(number)) => found.is(at(*number)),
                (found, number) => found.is_none() && number.is_none(),
            };
            assert!(same(queue.first(), model.front()) && same(queue.last(), model.back()));
        }
    }
}
