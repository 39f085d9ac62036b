//! A worker that loses its connection after two jobs, and how it is begun anew.
//!
//! Nothing here knows of nurseries or of an operating system: the same file runs on a microcontroller.

use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use giambio::{Attempt, Restart, sleep};

use super::println;

/// The workers, and how long a job takes each of them.
pub(crate) const WORKERS: [(u32, Duration); 2] = [(1, Duration::from_millis(20)), (2, Duration::from_millis(120))];

/// A worker that fails more than three times within a minute fails for good, and its nursery with it.
pub(crate) const POLICY: Restart =
    Restart::on_error().backoff(Duration::from_millis(20), Duration::from_secs(1)).limit(3, Duration::from_secs(60));

/// Why a worker fails.
#[derive(Debug)]
pub(crate) struct ConnectionLost {
    worker: u32,
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} has lost its connection", self.worker)
    }
}

/// Fails after two jobs, the first time.
pub(crate) async fn work(
    (number, job): (u32, Duration),
    attempt: Attempt,
    done: &Cell<u32>,
) -> Result<(), ConnectionLost> {
    match attempt.restarts {
        0 => println!("worker {number} begins, {} jobs done so far", done.get()),
        _ => println!("again: {} jobs done so far", done.get()),
    }
    for _ in 0..2 {
        sleep(job).await;
        done.set(done.get() + 1);
    }
    if attempt.restarts == 0 {
        println!("worker {number} failed after 2 jobs");
        return Err(ConnectionLost { worker: number });
    }
    Ok(())
}
