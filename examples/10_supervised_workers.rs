//! Workers that fail and are begun anew, while what they have done stays.
//!
//! The worker and how it is begun anew are those of `bare-metal/programs/supervised.rs`, which has neither a heap nor a system.
//!
//! ```text
//! worker 1 begins, 0 jobs done so far
//! worker 2 begins, 0 jobs done so far
//! worker 1 failed after 2 jobs
//! again: 2 jobs done so far
//! worker 2 failed after 2 jobs
//! again: 6 jobs done so far
//! 8 jobs were done
//! ```

#[path = "shared/worker.rs"]
mod worker;

use std::cell::Cell;
use std::println;

use giambio::nursery;
use worker::{ConnectionLost, POLICY, WORKERS, work};

async fn main_task() -> Result<(), ConnectionLost> {
    let done = Cell::new(0); // survives each failure
    nursery(async |n| {
        for worker in WORKERS {
            let done = &done;
            n.child().restart(POLICY).spawn_with(async move |attempt| work(worker, attempt, done).await);
        }
        Ok(())
    })
    .await?;
    println!("{} jobs were done", done.get());
    Ok(())
}

fn main() -> Result<(), ConnectionLost> {
    giambio::run(main_task()).inspect_err(|lost| eprintln!("{lost}"))
}
