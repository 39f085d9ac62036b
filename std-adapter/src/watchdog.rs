//! Who keeps the thread for too long, told while it does so.
//!
//! A thread of its own looks at the number of the step that runs. If it is the same for as long as the limit, the step hangs.
//! The runtime's thread only counts, so that a step costs no look at the clock. When no step runs any more, the other thread
//! rests, and the next step wakes it: so nothing wakes up while the loop sleeps.
//!
//! # Invariants
//! * **WATCHED-OR-WOKEN**: `begin` counts, then looks at `rests`; the other thread sets `rests`, then looks at the count.
//!   Both in the one order that all threads see: so one of them sees the other, and no step runs while the other thread
//!   rests, but for the moment until it is awake.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use giambio_core::{__fault as fault, Debugger, Event, TaskId, TaskInfo};

use crate::sys::process::Process;

/// So often it looks, in the time of the limit. A report comes late by that part of it at most.
const LOOKS: u32 = 4;

/// Watches over a run: a task that keeps the thread for longer than it may, without waiting for anything, is reported while
/// it does so, for meanwhile nobody else gets on. It is a [`Debugger`]:
///
/// ```
/// use giambio::Watchdog;
/// use std::time::Duration;
///
/// let watchdog = Watchdog::new(Duration::from_millis(100));
/// giambio::builder().debugger(watchdog).run(async { /* … */ });
/// ```
///
/// A report goes to standard error, unless [`on_stall`](Watchdog::on_stall) says where else: which task, where it was
/// spawned, and for how long it has run. It says what a step does, and no more: code that is never done, or that blocks the
/// thread in a call ([`unblock`](crate::unblock()) is for those). Tasks that wait for ever are another thing.
///
/// It has a thread of its own, from the first turn until it is dropped. That wakes up some times in the time of the limit while
/// tasks run, and not at all while the loop sleeps. A step costs a lock that nobody else has, and a copy of the task's name.
///
/// One watches one run at a time; they may follow each other.
pub struct Watchdog {
    limit: Duration,
    watch: Arc<Watch>,
    watcher: Mutex<Option<Watcher>>,
}

type Report = Box<dyn Fn(&Stall) + Send>;

/// The thread that looks on.
struct Watcher {
    thread: JoinHandle<()>,
    process: Process,
    /// Whose run it watches, while there is one.
    of: Option<ThreadId>,
}

/// What both threads know.
struct Watch {
    /// How many steps have begun and ended: odd while one runs.
    count: AtomicU64,
    /// The other thread sleeps until a step begins.
    rests: AtomicBool,
    is_over: AtomicBool,
    step: Mutex<Step>,
    report: Mutex<Report>,
}

/// The step that runs, or was the last.
struct Step {
    id: TaskId,
    /// Used again for each.
    name: String,
    spawned_at: Option<&'static Location<'static>>,
}

/// A step that takes too long, which goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// Which task.
    pub id: TaskId,
    /// What it is called.
    pub name: String,
    /// Where in the program it was spawned; `None` for the root task.
    pub spawned_at: Option<&'static Location<'static>>,
    /// For at least so long it has had the thread.
    pub lasted: Duration,
}

impl Watchdog {
    /// A step may take as long as `limit`; less than a millisecond means a millisecond.
    pub fn new(limit: Duration) -> Watchdog {
        let watch = Watch {
            count: AtomicU64::new(0),
            rests: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            step: Mutex::new(Step { id: TaskId::MAIN, name: String::new(), spawned_at: None }),
            report: Mutex::new(Box::new(|stall| eprintln!("giambio: {stall}"))),
        };
        Watchdog { limit: limit.max(Duration::from_millis(1)), watch: Arc::new(watch), watcher: Mutex::new(None) }
    }

    /// Calls `report` for each step that takes too long, once, in place of the line on standard error. It is called on another
    /// thread, while the step goes on. Should it panic, that is the last report.
    ///
    /// ```
    /// # use giambio::Watchdog;
    /// # use std::time::Duration;
    /// Watchdog::new(Duration::from_millis(100)).on_stall(|stall| {
    ///     println!("{} has run for {:?}", stall.name, stall.lasted);
    /// });
    /// ```
    #[must_use]
    pub fn on_stall(self, report: impl Fn(&Stall) + Send + 'static) -> Watchdog {
        *lock(&self.watch.report) = Box::new(report);
        self
    }

    /// A run begins on this thread.
    fn start(&self) {
        let (here, process) = (thread::current().id(), Process::remembered());
        let mut watcher = lock(&self.watcher);
        match &mut *watcher {
            // That of a process which has forked isn't here.
            Some(watcher) if watcher.process == process => {
                let is_free = watcher.of.is_none_or(|of| of == here);
                assert!(
                    is_free,
                    "giambio: a Watchdog watches one run at a time, and this one watches another thread's"
                );
                watcher.of = Some(here);
            }
            _ => {
                let (watch, limit) = (Arc::clone(&self.watch), self.limit);
                let thread = thread::Builder::new().name("giambio-watchdog".into()).spawn(move || watch.look_on(limit));
                let thread =
                    thread.unwrap_or_else(|error| panic!("giambio: there is no thread for a Watchdog: {error}"));
                *watcher = Some(Watcher { thread, process, of: Some(here) });
            }
        }
    }

    fn begin(&self, task: TaskInfo<'_>) {
        self.end();
        let mut step = lock(&self.watch.step);
        step.name.clear();
        step.name.push_str(task.name);
        (step.id, step.spawned_at) = (task.id, task.spawned_at);
        drop(step);
        self.watch.count.fetch_add(1, SeqCst);
        // WATCHED-OR-WOKEN.
        if self.watch.rests.load(SeqCst) && !fault!("watchdog-sleeps-on") {
            self.watch.rests.store(false, SeqCst);
            self.wake();
        }
    }

    /// Of two ends the second is none.
    fn end(&self) {
        if is_step(self.watch.count.load(Relaxed)) {
            self.watch.count.fetch_add(1, SeqCst);
        }
    }

    fn wake(&self) {
        if let Some(watcher) = &*lock(&self.watcher) {
            watcher.thread.thread().unpark();
        }
    }
}

impl Debugger for Watchdog {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Start => self.start(),
            Event::BeforeTaskStep(task) | Event::BeforeCancel(task) => self.begin(task),
            Event::AfterTaskStep(_) | Event::TaskExit(_) | Event::AfterCancel(_) => self.end(),
            Event::Exit => {
                self.end();
                if let Some(watcher) = &mut *lock(&self.watcher) {
                    watcher.of = None;
                }
            }
            _ => {}
        }
    }
}

/// Its thread ends with it.
impl Drop for Watchdog {
    fn drop(&mut self) {
        self.watch.is_over.store(true, SeqCst);
        self.wake();
        let watcher = lock(&self.watcher).take();
        if let Some(watcher) = watcher
            && watcher.process == Process::remembered()
            && watcher.thread.thread().id() != thread::current().id()
        {
            let _ = watcher.thread.join(); // a report that has panicked said so
        }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Watch {
    /// What the other thread does.
    fn look_on(&self, limit: Duration) {
        let (mut seen, mut since, mut is_told) = (0, Instant::now(), false);
        while !self.is_over.load(SeqCst) {
            let (count, now) = (self.count.load(SeqCst), Instant::now());
            if count != seen {
                (seen, since, is_told) = (count, now, false);
            } else if !is_step(count) {
                self.rest(count);
                continue;
            } else if !is_told && now - since >= limit {
                is_told = true;
                self.tell(count, now - since);
            }
            thread::park_timeout(limit / LOOKS);
        }
    }

    /// Sleeps until a step begins.
    fn rest(&self, count: u64) {
        self.rests.store(true, SeqCst);
        // WATCHED-OR-WOKEN.
        while self.rests.load(SeqCst) && self.count.load(SeqCst) == count && !self.is_over.load(SeqCst) {
            thread::park();
        }
        self.rests.store(false, SeqCst);
    }

    /// Reports a step, unless it has ended just now.
    fn tell(&self, count: u64, lasted: Duration) {
        let step = lock(&self.step);
        // The next one is written here after this one is counted as ended.
        if self.count.load(SeqCst) != count {
            return;
        }
        let stall = Stall { id: step.id, name: step.name.clone(), spawned_at: step.spawned_at, lasted };
        drop(step);
        lock(&self.report)(&stall);
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.id)?;
        if let Some(place) = self.spawned_at {
            write!(f, ", spawned at {place},")?;
        }
        write!(f, " has kept its thread for {:?} without waiting, and nothing else there gets on", self.lasted)
    }
}

fn is_step(count: u64) -> bool {
    count % 2 == 1
}

/// Nothing that is kept under a lock here can be left half done.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
