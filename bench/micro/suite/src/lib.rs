//! The benchmarks in one process, written once over two traits: [`Runtime`] for those that spawn `'static` tasks,
//! [`Set`] for sets of futures. A peer's program implements one of them and calls [`main_of_runtime`] or
//! [`main_of_set`]; moro, embassy and giambio are neither and have these benchmarks in words of their own.
//!
//! `PEER-micro VARIANT BENCH N` does N operations, or a few more, and prints what one of them costs:
//!
//! | benchmark | one operation |
//! | --- | --- |
//! | `spawn_seq` | spawn a task that ends at once, await it |
//! | `spawn_among_K` | the same while K other tasks wait |
//! | `spawn_batch_K` (`spawn_batch`: K is 1,000) | a task of K that are spawned, then awaited |
//! | `tree` | a task of a tree: six levels, each task awaits ten children |
//! | `yield_K` | one yield, in the runtime's own way, of K tasks that do nothing else |
//! | `selfwake_K` | the same, but the task wakes itself by its waker |
//! | `pingpong` | a round trip between two tasks, through two channels |
//! | `depth_K` | the same, but one of the tasks is K nurseries deeper |
//! | `timer_set` | set a timer that never fires, drop it; all are set before one is dropped |
//! | `timer_cancel_K` | of K timers, drop one and set a new one |
//! | `timer_fire` | a task that sleeps once; the deadlines are spread over a second |
//! | `cancel_all` | a waiting task of N that are cancelled at once, until it is gone |
//! | `wake` | a task is woken by another thread, after the loop went to sleep |
//! | `parked` | spawn a task with 64 bytes of state, which waits: what it takes of memory |
//! | `idle_K` | a millisecond in which K tasks sleep |
//!
//! Everything runs in a spawned task, since waking the main future costs a system call on some runtimes.

mod players;
mod runtime;
mod set;

use std::cell::Cell;
use std::future::pending;
use std::hint::black_box;
use std::rc::Rc;

pub use players::Player;
pub use runtime::{Runtime, main_of_runtime};
pub use set::{Set, main_of_set};

/// The peer can't do that: ends with a status that the driver knows.
pub fn lacks(bench: &str) -> ! {
    eprintln!("no benchmark {bench} here");
    std::process::exit(bench_common::LACKS)
}

/// The benchmark and N, from the command line behind the variant.
pub fn arguments() -> (String, u64) {
    bench_common::limit_life();
    let usage = "usage: PEER-micro VARIANT BENCH N";
    let bench = bench_common::argument(2).expect(usage);
    let n = bench_common::argument(3).and_then(|n| n.parse().ok()).expect(usage);
    (bench, n)
}

/// How many tasks of a crowd are there: each has been polled, and has not been dropped.
#[derive(Clone, Debug, Default)]
pub struct Crowd(Rc<Cell<u64>>);

impl Crowd {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.get()
    }

    /// Is there for ever.
    pub async fn join(self, i: u64) {
        self.0.set(self.0.get() + 1);
        let _place = Place(self);
        black_box(i);
        pending().await
    }
}

struct Place(Crowd);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() - 1);
    }
}

/// Waits, with 64 bytes that it must keep.
pub async fn with_state(i: u64) {
    let state = [i; 8];
    pending::<()>().await;
    black_box(state);
}
