//! Threads for jobs that block: made as jobs come, shared by all runtimes of the process, and gone when they have had
//! nothing to do for [`IDLE`].
//!
//! How many jobs are at work at once is a matter of a pool's limit: more of them are `waiting`. A job that may start is
//! `ready`, and a thread that rests takes it, or a new one.
//!
//! A job may itself ask for one and wait for it, and so on. If they shared one limit, as many jobs as it allows would
//! wait for others that never start. So each depth has a limit of its own.
//!
//! # Invariants
//! * **SOMEONE-COMES**: for each ready job a thread is on its way (it was just made, or told while it rested), or another
//!   job of the same depth is at work, whose thread looks there before it rests.
//! * **WITHIN-LIMIT**: of each depth, no more jobs are ready or run than [`Pool::room`] says.
//! * **OWN-THREADS**: a crew is of one process. A fork leaves its threads to the parent, with what they are at and the lock
//!   that some thread may hold; in the child, [`Pool::crew`] makes another one.
//! * **DEEPER-ALONE**: a job waits to be started only while another one of its depth is at work. It may wait for deeper
//!   ones, and the deepest wait for none: so some job always gets on.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use giambio_core::__fault as fault;

use crate::job::{Job, Line, Place, run};
use crate::sys::process::Process;

/// How long a thread stays without work.
const IDLE: Duration = Duration::from_secs(10);

/// So deep jobs may be in each other.
pub(crate) const MAX_DEPTH: usize = 64;

/// Whose job a thread is at.
#[derive(Clone, Copy)]
pub(crate) struct Within {
    pool: Option<&'static Pool>,
    /// How deep a job would be that is asked for there.
    depth: usize,
}

thread_local! {
    static WITHIN: Cell<Within> = const { Cell::new(Within { pool: None, depth: 0 }) };
}

impl Within {
    /// This thread's.
    pub(crate) fn current() -> Within {
        WITHIN.get()
    }

    /// Has this thread go on as a part of that one's job, which waits for it.
    pub(crate) fn enter(self) {
        WITHIN.set(self);
    }
}

pub(crate) struct Pool {
    /// Of its threads.
    name: &'static str,
    limit: AtomicUsize,
    /// That of the first process that had one.
    crew: OnceLock<Crew>,
}

/// The threads of a pool in one process, and what they are to do.
struct Crew {
    pool: &'static Pool,
    process: Process,
    jobs: Mutex<Jobs>,
    arrival: Condvar,
    /// That of a process which was forked from this one.
    forked: OnceLock<Box<Crew>>,
}

#[derive(Default)]
struct Jobs {
    /// By their depth.
    levels: Vec<Level>,
    /// Started, but not yet taken by a thread.
    ready: VecDeque<Started>,
    /// Threads without work. They may have been told of a ready job, and not be awake yet.
    resting: usize,
}

#[derive(Default)]
struct Level {
    /// To be started when fewer are at work.
    waiting: Line<'static>,
    /// Ready, or running.
    at_work: usize,
}

struct Started {
    job: Arc<dyn Job>,
    depth: usize,
}

impl Pool {
    pub(crate) const fn new(name: &'static str, limit: usize) -> Pool {
        Pool { name, limit: AtomicUsize::new(limit), crew: OnceLock::new() }
    }

    /// This process's. Nobody holds a lock here once it is made, or a child that another thread forks meanwhile would find it
    /// locked for ever.
    fn crew(&'static self) -> &'static Crew {
        let process = Process::remembered();
        let mut crew = self.crew.get_or_init(|| Crew::new(self, process));
        while crew.process != process && !fault!("crew-left-behind-by-a-fork") {
            crew = crew.forked.get_or_init(|| Box::new(Crew::new(self, process)));
        }
        crew
    }

    /// Has `job` run as soon as there is room for it, unless it is taken out before.
    ///
    /// # Errors
    /// It will never run: there is no thread for it, and none to come.
    pub(crate) fn enqueue(&'static self, job: Arc<dyn Job>) -> io::Result<PoolPlace> {
        let depth = match Within::current() {
            Within { pool: Some(pool), depth } if ptr::eq(pool, self) && !fault!("inner-jobs-wait-for-outer-ones") => {
                depth
            }
            _ => 0,
        };
        if depth == MAX_DEPTH {
            return Err(no_thread(format!("{MAX_DEPTH} of them are in each other, each waiting for the next")));
        }
        self.crew().enqueue(job, depth)
    }

    /// Lets so many jobs be at work at once from now on. Those that are at work stay so.
    pub(crate) fn set_limit(&'static self, limit: usize) {
        self.limit.store(limit, Relaxed);
        self.crew().start_all();
    }

    /// How many jobs of this depth may be at work: as many as the limit says, and again as many for those that they wait
    /// for; of the deeper ones, which are few, ever fewer.
    fn room(&self, depth: usize) -> usize {
        let halvings = u32::try_from(depth.saturating_sub(1)).unwrap_or(u32::MAX);
        self.limit.load(Relaxed).checked_shr(halvings).unwrap_or(0).max(1)
    }
}

impl Crew {
    fn new(pool: &'static Pool, process: Process) -> Crew {
        Crew { pool, process, jobs: Mutex::default(), arrival: Condvar::new(), forked: OnceLock::new() }
    }

    fn enqueue(&'static self, job: Arc<dyn Job>, depth: usize) -> io::Result<PoolPlace> {
        let mut jobs = lock(&self.jobs);
        if jobs.levels.len() <= depth {
            jobs.levels.resize_with(depth + 1, Level::default);
        }
        if jobs.levels[depth].at_work < self.pool.room(depth) {
            self.start(&mut jobs, Started { job, depth })?;
            return Ok(PoolPlace { crew: self, depth, number: None });
        }
        let number = Some(jobs.levels[depth].waiting.push(job));
        Ok(PoolPlace { crew: self, depth, number })
    }

    /// All that wait and now have room.
    fn start_all(&'static self) {
        let mut jobs = lock(&self.jobs);
        for depth in 0..jobs.levels.len() {
            while let Some(started) = self.next(&mut jobs, depth) {
                // It waited, so another one of its depth is at work, and it will be taken even if there is no thread.
                let _ = self.start(&mut jobs, started);
            }
        }
    }

    /// The next job of this depth, if it may start.
    fn next(&self, jobs: &mut Jobs, depth: usize) -> Option<Started> {
        let level = &mut jobs.levels[depth];
        if level.at_work >= self.pool.room(depth) {
            return None;
        }
        let job = level.waiting.pop()?;
        Some(Started { job, depth })
    }

    fn start(&'static self, jobs: &mut Jobs, started: Started) -> io::Result<()> {
        let depth = started.depth;
        jobs.levels[depth].at_work += 1;
        // The deeper one first: somebody waits for it.
        match depth {
            0 => jobs.ready.push_back(started),
            _ => jobs.ready.push_front(started),
        }
        if jobs.ready.len() <= jobs.resting {
            self.arrival.notify_one();
            return Ok(());
        }
        match thread::Builder::new().name(self.pool.name.into()).spawn(|| self.work()) {
            Ok(_) => Ok(()),
            Err(_) if jobs.levels[depth].at_work > 1 => Ok(()),
            Err(error) => {
                jobs.levels[depth].at_work -= 1;
                match depth {
                    0 => jobs.ready.pop_back(),
                    _ => jobs.ready.pop_front(),
                };
                Err(no_thread(error))
            }
        }
    }

    fn work(&'static self) {
        let mut jobs = lock(&self.jobs);
        loop {
            while let Some(Started { job, depth }) = jobs.ready.pop_front() {
                drop(jobs);
                Within { pool: Some(self.pool), depth: depth + 1 }.enter();
                run(job);
                if self.process != Process::current() {
                    return; // the job has forked, and this is the child
                }
                jobs = lock(&self.jobs);
                jobs.levels[depth].at_work -= 1;
                if !fault!("waiting-job-forgotten")
                    && let Some(next) = self.next(&mut jobs, depth)
                {
                    jobs.levels[depth].at_work += 1;
                    jobs.ready.push_front(next);
                }
            }
            jobs.resting += 1;
            let (guard, rest) = self.arrival.wait_timeout(jobs, IDLE).unwrap_or_else(PoisonError::into_inner);
            jobs = guard;
            jobs.resting -= 1;
            if rest.timed_out() && jobs.ready.is_empty() {
                return;
            }
        }
    }
}

/// Where a job was put in a pool.
pub(crate) struct PoolPlace {
    crew: &'static Crew,
    depth: usize,
    /// If it had to wait.
    number: Option<u64>,
}

impl Place for PoolPlace {
    fn leave(&self) {
        // OWN-THREADS.
        if let Some(number) = self.number
            && self.crew.process == Process::remembered()
        {
            let left = lock(&self.crew.jobs).levels[self.depth].waiting.take(number);
            drop(left);
        }
    }
}

fn no_thread(why: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, format!("no thread could be made for a blocking call: {why}"))
}

/// Nothing of anybody's runs under these locks, so a poisoned one is as good as new.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
