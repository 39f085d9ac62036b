//! Workers that fail and are begun anew, without a heap, while what they have done stays. The worker is the very file that the
//! desktop's `10_supervised_workers` has.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate giambio_core as giambio;

#[path = "../../shared/worker.rs"]
mod worker;

use core::cell::Cell;
use core::pin::pin;

use board::{entry, println};
use giambio::{Arena, Runtime, nursery_in};
use worker::{ConnectionLost, POLICY, WORKERS, work};

static TASKS: Arena<2, 512> = Arena::new();

async fn main_task() -> Result<(), ConnectionLost> {
    let done = Cell::new(0); // survives each failure
    nursery_in(&TASKS, async |n| {
        for worker in WORKERS {
            let done = &done;
            let work = async move |attempt| work(worker, attempt, done).await;
            n.child().restart(POLICY).spawn_wait_with(work).await;
        }
        Ok(())
    })
    .await?;
    println!("{} jobs were done", done.get());
    Ok(())
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let ended = pin!(Runtime::new(board.clock, main_task())).run_masked(&mut board::sleep);
    if let Err(lost) = ended {
        println!("{lost}");
        board::exit(1)
    }
    board::exit(0)
}
