//! Who is told when another thread wakes a task: the runtime that waits, and tasks of other executors that poll nurseries.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::fault;
use crate::kernel::foreign;
use crate::panics::{self, First};

/// One thread's.
pub(crate) struct Notify {
    notify: AtomicPtr<Waker>,
    /// How many threads are calling `notify` right now.
    callers: AtomicUsize,
    /// Which runtime's waker `notify` is. The owner's.
    notify_of: Cell<*const ()>,
    /// What `notify` was, and what a thread may be calling still. The owner's.
    former: Cell<Vec<*mut Waker>>,
    /// Tasks of other executors that poll nurseries on this thread.
    executors: Mutex<Vec<Waker>>,
}

// SAFETY: the cells are touched by the owner alone.
unsafe impl Sync for Notify {}
// SAFETY: as above; wakers may go to any thread.
unsafe impl Send for Notify {}

/// How many tasks of other executors are kept; then all are woken, and come again if they live.
const EXECUTORS: usize = 256;

impl Notify {
    pub(crate) const fn new() -> Self {
        Notify {
            notify: AtomicPtr::new(ptr::null_mut()),
            callers: AtomicUsize::new(0),
            notify_of: Cell::new(ptr::null()),
            former: Cell::new(Vec::new()),
            executors: Mutex::new(Vec::new()),
        }
    }

    /// Ends the wait of the runtime. Nothing but atomics and its own notifier, so that a signal handler may do it.
    pub(crate) fn runtime(&self) {
        struct Caller<'a>(&'a AtomicUsize);
        impl Drop for Caller<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        self.callers.fetch_add(1, SeqCst);
        let caller = Caller(&self.callers);
        // SAFETY: the waker is freed only after `callers` was seen at 0 with the pointer
        // already taken away (`set`); we are counted since before the load.
        if let Some(waker) = unsafe { self.notify.load(SeqCst).as_ref() } {
            waker.wake_by_ref();
        }
        drop(caller);
    }

    /// Wakes the tasks of other executors.
    pub(crate) fn all_executors(&self) {
        let executors = self.take_executors();
        let _held = fault!("executors-woken-under-the-lock").then(|| self.executors());
        foreign::wake_all(executors);
    }

    /// Under the lock they are only moved: cloning, waking and dropping one is its executor's code, which may wait for
    /// this very thread.
    fn executors(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.executors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_executors(&self) -> Vec<Waker> {
        core::mem::take(&mut *self.executors())
    }

    /// Sets what ends the owner's wait when another thread wakes a task.
    ///
    /// Another thread may be calling the old one, which may wait for this thread: so it is not waited for, and freed
    /// the next time that nobody calls.
    pub(crate) fn set(&self, waker: Option<Waker>) {
        let new = waker.map_or(ptr::null_mut(), |waker| Box::into_raw(Box::new(waker)));
        let old = self.notify.swap(new, SeqCst);
        let mut former = self.former.take();
        if !old.is_null() {
            former.push(old);
        }
        if self.callers.load(SeqCst) != 0 {
            return self.former.set(former);
        }
        let mut first = First::new();
        for old in former {
            // SAFETY: made by `Box::into_raw` above; it was taken away before the look at `callers`, so no caller can
            // still see it.
            first.catch(|| drop(unsafe { Box::from_raw(old) }));
        }
        first.resume();
    }

    /// The same for a runtime that begins its turn.
    pub(crate) fn set_of(&self, runtime: *const (), notify: &Option<Waker>) {
        let stays = fault!("notifier-of-another-runtime") && !self.notify_of.get().is_null();
        if self.notify_of.get() != runtime && !stays {
            self.set_another_notify(runtime, notify);
        }
    }

    #[cold]
    fn set_another_notify(&self, runtime: *const (), notify: &Option<Waker>) {
        let notify = notify.clone();
        self.notify_of.set(runtime);
        self.set(notify);
    }

    /// The runtime is gone.
    pub(crate) fn forget(&self, runtime: *const ()) {
        if self.notify_of.get() == runtime {
            self.notify_of.set(ptr::null());
            self.set(None);
        }
    }

    /// A task of another executor polls a nursery: wakes from other threads have to reach it.
    pub(crate) fn add_executor(&self, waker: &Waker) {
        if self.executors().iter().rev().take(16).any(|known| known.will_wake(waker)) {
            return;
        }
        let new = waker.clone();
        let count = {
            let mut executors = self.executors();
            executors.push(new);
            executors.len()
        };
        if count > EXECUTORS {
            self.all_executors();
        }
    }

    /// The thread ends: foreign wakers are dropped, and a panic here would end the process.
    pub(crate) fn close(&self) {
        self.notify_of.set(ptr::null());
        panics::is_fine(|| self.set(None));
        for executor in self.take_executors() {
            panics::is_fine(|| drop(executor));
        }
    }
}
