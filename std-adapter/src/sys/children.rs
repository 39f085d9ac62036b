//! The programs that this process has started, and that have not ended: for the handler of a signal that ends it, since they
//! are to end with it.
//!
//! What is here is a child that none of us has reaped: who reaps takes it out before, and waits for the handlers that have
//! begun. Others may reap, too; so a handler asks the system whether it is a child still.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process, waitpid};

/// More are left alone.
const MOST: usize = 1024;

/// A place is nobody's,
const FREE: i32 = 0;
/// or somebody's, and no child is in it.
const OUT: i32 = i32::MIN;

/// The numbers of children; of one with a group what is below zero.
static CHILDREN: [AtomicI32; MOST] = [const { AtomicI32::new(FREE) }; MOST];

/// How many handlers may have read a number, and not yet used it,
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// and in which process: one that is forked meanwhile has none.
static BUSY_IN: AtomicU32 = AtomicU32::new(0);

/// A child's place.
#[derive(Debug)]
pub(crate) struct Listed {
    place: Option<&'static AtomicI32>,
    number: i32,
}

impl Listed {
    /// Of a child that was not reaped.
    pub(crate) fn new(child: Pid, is_group: bool) -> Listed {
        let number = child.as_raw_nonzero().get() * if is_group { -1 } else { 1 };
        let is_free = |place: &&AtomicI32| place.compare_exchange(FREE, number, SeqCst, SeqCst).is_ok();
        Listed { place: CHILDREN.iter().find(is_free), number }
    }

    /// From now on it may be reaped.
    pub(crate) fn take_out(&self) {
        self.set(OUT);
    }

    /// It was not reaped.
    pub(crate) fn put_back(&self) {
        self.set(self.number);
    }

    fn set(&self, content: i32) {
        let Some(place) = self.place else { return };
        place.store(content, SeqCst);
        let is_busy = || BUSY.load(SeqCst) > 0 && BUSY_IN.load(SeqCst) == std::process::id();
        while content != self.number && is_busy() {
            thread::yield_now();
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.set(FREE);
    }
}

/// Kills all of them. For a handler by which this process ends: it uses atomics, `waitpid` and `kill`.
pub(crate) fn kill_all() {
    BUSY_IN.store(std::process::id(), SeqCst);
    BUSY.fetch_add(1, SeqCst);
    let numbers = CHILDREN.iter().map(|place| place.load(SeqCst));
    numbers.filter(|number| ![FREE, OUT].contains(number)).for_each(kill);
    BUSY.fetch_sub(1, SeqCst);
}

fn kill(number: i32) {
    let Some(child) = Pid::from_raw(number.abs()) else { return };
    let is_group = number < 0;
    let _ = match waitpid(Some(child), WaitOptions::NOHANG) {
        Ok(None) if is_group => kill_process_group(child, Signal::KILL),
        Ok(None) => kill_process(child, Signal::KILL),
        // It had ended, and left its group. The number of a group that has members is given to no process.
        Ok(Some(_)) if is_group && test_kill_process(child) == Err(Errno::SRCH) => {
            kill_process_group(child, Signal::KILL)
        }
        // It is over, or was not ours: its number may be another's.
        _ => Ok(()),
    };
}
