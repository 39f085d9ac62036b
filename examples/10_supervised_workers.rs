//! Workers that fail and are begun anew, while what they have done stays.
//!
//! ```text
//! worker 1 begins, 0 jobs done so far
//! worker 2 begins, 0 jobs done so far
//! worker 1 failed after 2 jobs
//! worker 2 failed after 2 jobs
//! again: 4 jobs done so far
//! again: 4 jobs done so far
//! 8 jobs were done
//! ```

use std::cell::Cell;
use std::time::Duration;

use giambio::{Attempt, Restart, nursery, sleep};

const MOMENT: Duration = Duration::from_millis(20);

/// Fails after two jobs, the first time.
async fn work(number: u32, attempt: Attempt, done: &Cell<u32>) -> Result<(), String> {
    match attempt.restarts {
        0 => println!("worker {number} begins, {} jobs done so far", done.get()),
        _ => println!("again: {} jobs done so far", done.get()),
    }
    for _ in 0..2 {
        sleep(number * MOMENT).await;
        done.set(done.get() + 1);
    }
    if attempt.restarts == 0 {
        println!("worker {number} failed after 2 jobs");
        return Err(format!("worker {number} has lost its connection"));
    }
    Ok(())
}

async fn main_task() -> Result<(), String> {
    let done = Cell::new(0); // survives each failure
    // A worker that fails more than three times within a minute fails for good, and the nursery with it.
    let policy = Restart::on_error().backoff(10 * MOMENT, 50 * MOMENT).limit(3, Duration::from_secs(60)).seed(1);
    nursery(async |n| {
        for number in 1..=2 {
            let done = &done;
            n.child().restart(policy).spawn_with(async move |attempt| work(number, attempt, done).await);
        }
        Ok(())
    })
    .await?;
    println!("{} jobs were done", done.get());
    Ok(())
}

fn main() -> Result<(), String> {
    giambio::run(main_task())
}
