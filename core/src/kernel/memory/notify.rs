//! Who is told of a wake that nobody on this thread sees by itself: when another thread wakes a task, the runtimes that wait,
//! and tasks of other executors that poll nurseries; when this one does it between the turns of a guest, the loop that it is
//! in.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::fault;
use crate::kernel::foreign;
use crate::panics::{self, First};

/// One thread's.
pub(crate) struct Notify {
    /// What ends the waits of its runtimes, or null. The owner alone changes it, by putting another one in its place.
    notify: AtomicPtr<Vec<Arc<Notifier>>>,
    /// How many threads are calling what is in `notify` right now.
    callers: AtomicUsize,
    /// The runtime that was looked for there last: it is in there, or has nothing to be told by. The owner's.
    notify_of: Cell<*const ()>,
    /// What `notify` was, and what a thread may be calling still. The owner's.
    former: Cell<Vec<*mut Vec<Arc<Notifier>>>>,
    /// Loops that runtimes are guests in, by the root tasks, between their turns. The owner's.
    hosts: RefCell<Vec<(*const (), Waker)>>,
    /// Tasks of other executors that poll nurseries on this thread.
    executors: Mutex<Vec<Waker>>,
}

/// A runtime, and what ends its wait.
struct Notifier {
    /// Its address.
    of: usize,
    waker: Waker,
}

// SAFETY: the cells are touched by the owner alone.
unsafe impl Sync for Notify {}
// SAFETY: as above; wakers may go to any thread, and the pointers are names.
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
            hosts: RefCell::new(Vec::new()),
            executors: Mutex::new(Vec::new()),
        }
    }

    /// Ends the waits of the runtimes. Nothing but atomics and their own notifiers, so that a signal handler may do it.
    pub(crate) fn runtimes(&self) {
        struct Caller<'a>(&'a AtomicUsize);
        impl Drop for Caller<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        self.callers.fetch_add(1, SeqCst);
        let caller = Caller(&self.callers);
        // SAFETY: the list is freed only after `callers` was seen at 0 with the pointer
        // already taken away (`set`); we are counted since before the load.
        if let Some(notifiers) = unsafe { self.notify.load(SeqCst).as_ref() } {
            let mut first = First::new();
            for notifier in notifiers {
                first.catch(|| notifier.waker.wake_by_ref());
            }
            drop(caller);
            first.resume();
        }
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

    /// Sets what ends the owner's waits when another thread wakes a task.
    ///
    /// Another thread may be calling the old ones, which may wait for this thread: so it is not waited for, and they are freed
    /// the next time that nobody calls.
    fn set(&self, notifiers: Vec<Arc<Notifier>>) {
        let new = if notifiers.is_empty() { ptr::null_mut() } else { Box::into_raw(Box::new(notifiers)) };
        let old = self.notify.swap(new, SeqCst);
        let mut former = self.former.take();
        if !old.is_null() {
            former.push(old);
        }
        self.former.set(former);
        self.free_former();
    }

    fn free_former(&self) {
        let former = self.former.take();
        if self.callers.load(SeqCst) != 0 {
            return self.former.set(former);
        }
        let mut first = First::new();
        for old in former {
            // SAFETY: made by `Box::into_raw` above; it was taken away before the look at `callers`, so no caller can
            // still see it.
            for notifier in *unsafe { Box::from_raw(old) } {
                first.catch(|| drop(notifier));
            }
        }
        first.resume();
    }

    /// Those that this holds for; it does not come back here.
    fn those(&self, holds: impl Fn(&Notifier) -> bool) -> Vec<Arc<Notifier>> {
        // SAFETY: the owner alone takes it away and frees it, and that is us: nothing in here is a waker's code.
        let notifiers = unsafe { self.notify.load(SeqCst).as_ref() };
        notifiers.into_iter().flatten().filter(|notifier| holds(notifier)).cloned().collect()
    }

    /// A runtime begins its turn, and is told by this of what other threads wake, until it is gone.
    pub(crate) fn set_of(&self, runtime: *const (), notify: &Option<Waker>) {
        let stays = fault!("notifier-of-another-runtime") && !self.notify_of.get().is_null();
        if self.notify_of.get() != runtime && !stays {
            self.set_another_notify(runtime, notify);
        }
    }

    #[cold]
    fn set_another_notify(&self, runtime: *const (), notify: &Option<Waker>) {
        self.notify_of.set(runtime);
        let Some(waker) = notify.as_ref().filter(|_| self.those(|known| known.of == runtime.addr()).is_empty()) else {
            return self.free_former();
        };
        let new = Arc::new(Notifier { of: runtime.addr(), waker: waker.clone() });
        let mut notifiers = self.those(|_| true);
        notifiers.push(new);
        self.set(notifiers);
    }

    /// The runtime is gone.
    pub(crate) fn forget(&self, runtime: *const ()) {
        if self.notify_of.get() == runtime {
            self.notify_of.set(ptr::null());
        }
        self.set(self.those(|other| other.of != runtime.addr()));
    }

    /// A turn of a guest is over: until the next, its loop is told by this when its root task is woken.
    pub(crate) fn set_host(&self, root: *const (), waker: Waker) {
        self.hosts.borrow_mut().push((root, waker));
    }

    /// What tells the loop that this root task was woken, if its runtime is a guest there and between its turns.
    pub(crate) fn take_host(&self, root: *const ()) -> Option<Waker> {
        if self.hosts.borrow().is_empty() {
            return None;
        }
        let mut hosts = self.hosts.borrow_mut();
        let at = hosts.iter().position(|(task, _)| ptr::eq(*task, root))?;
        Some(hosts.swap_remove(at).1)
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
        panics::is_fine(|| self.set(Vec::new()));
        for (_, host) in self.hosts.take() {
            panics::is_fine(|| drop(host));
        }
        for executor in self.take_executors() {
            panics::is_fine(|| drop(executor));
        }
    }
}
