//! A roll call: each task is polled once, and says what it waits for, while somebody writes it down.
//!
//! Nothing leads from a task to what it waits for: what was forgotten stays in line, and what it waits for may be gone. But
//! in a poll it is there, with its name and its holder. So nothing is kept of it, and it costs nothing, until somebody asks.
//!
//! With feature `introspect`, and `std`: what is written down lies on the heap, and is the thread's. Without either nobody
//! asks.

#[cfg(all(feature = "introspect", feature = "std"))]
mod imp {
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::cell::RefCell;
    use core::marker::PhantomData;

    use crate::kernel::context::with;
    use crate::kernel::debugger_slot::ROLL;
    use crate::kernel::task::header::TaskRef;
    use crate::kernel::task::id::id_of;
    use crate::task_info::{TaskId, Waits, WaitsFor};

    /// A task's.
    struct Answer {
        task: TaskRef,
        /// Its count of the polls of all of its code, when it was called.
        called_at: u16,
        /// The same, when it said what it waits for.
        told_at: u16,
        waits: Vec<Waits>,
        /// What it had said in the poll before.
        earlier: Option<Vec<Waits>>,
    }

    struct Calls {
        /// How many are under way.
        count: usize,
        answers: BTreeMap<TaskId, Answer>,
    }

    std::thread_local! {
        static CALLS: RefCell<Calls> = const { RefCell::new(Calls { count: 0, answers: BTreeMap::new() }) };
    }

    /// Nothing of it calls anybody, so it is borrowed by nobody else; `None` while the thread ends.
    fn calls<R>(f: impl FnOnce(&mut Calls) -> R) -> Option<R> {
        CALLS.try_with(|calls| f(&mut calls.borrow_mut())).ok()
    }

    /// While this lives, the tasks of the thread are written down as they are polled.
    pub(crate) struct RollCall(PhantomData<*mut ()>); // of this thread

    impl RollCall {
        pub(crate) fn begin() -> Self {
            calls(|calls| calls.count += 1);
            with(|context| context.debugger.wants.set(context.debugger.wants.get() | ROLL));
            RollCall(PhantomData)
        }

        /// This task is called: it has not answered.
        pub(crate) fn call(&self, task: TaskRef) {
            let count = task.direct.get();
            let answer = Answer { task, called_at: count, told_at: count, waits: Vec::new(), earlier: None };
            calls(|calls| calls.answers.insert(id_of(task), answer));
        }

        /// Is this one still to answer? Not if it is over.
        pub(crate) fn has_to_answer(&self, id: TaskId) -> bool {
            calls(|calls| calls.answers.get(&id).is_some_and(|answer| answer.is_due(id))).unwrap_or(false)
        }

        /// What it waits for, if it has answered. Of one that is running, the last poll is not over.
        pub(crate) fn answer(&self, id: TaskId, is_running: bool) -> Option<Vec<Waits>> {
            calls(|calls| {
                let answer = calls.answers.get(&id).filter(|answer| !answer.is_due(id))?;
                Some(match &answer.earlier {
                    Some(earlier) if is_running => earlier.clone(),
                    _ if is_running || answer.told_at == answer.task.direct.get() => answer.waits.clone(),
                    // It was polled since, and said nothing.
                    _ => Vec::new(),
                })
            })?
        }
    }

    impl Answer {
        fn is_due(&self, id: TaskId) -> bool {
            self.task.is_live() && id_of(self.task) == id && self.task.direct.get() == self.called_at
        }
    }

    impl Drop for RollCall {
        fn drop(&mut self) {
            let is_over = calls(|calls| {
                calls.count -= 1;
                if calls.count == 0 {
                    calls.answers.clear();
                }
                calls.count == 0
            });
            if is_over != Some(false) {
                with(|context| context.debugger.wants.set(context.debugger.wants.get() & !ROLL));
            }
        }
    }

    /// The task that is being polled waits for this.
    pub(crate) fn waits(what: &WaitsFor<'_>) {
        let Some(task) = with(|context| context.task()) else { return };
        let &WaitsFor { what, name, task: holder, asked_at } = what;
        calls(|calls| {
            let Some(answer) = calls.answers.get_mut(&id_of(task)) else { return };
            let count = task.direct.get();
            if answer.told_at != count {
                let before = core::mem::take(&mut answer.waits);
                answer.earlier = (answer.told_at != answer.called_at).then_some(before);
                answer.told_at = count;
            }
            let waits = Waits { what, name: name.map(String::from), task: holder, asked_at };
            // Polled for the sake of a child, it says again what is beside that.
            if !answer.waits.contains(&waits) {
                answer.waits.push(waits);
            }
        });
    }
}

#[cfg(all(feature = "hooks", not(all(feature = "introspect", feature = "std"))))]
mod imp {
    use crate::task_info::WaitsFor;

    pub(crate) fn waits(_: &WaitsFor<'_>) {}
}

pub(crate) use imp::*;
