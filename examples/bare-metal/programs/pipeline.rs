//! Tasks in a row, and channels between them, without a heap: who is too fast waits. The tasks are the very file that the
//! desktop's `08_pipeline` has.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate giambio_core as giambio;

#[path = "../../shared/stages.rs"]
mod stages;

use core::convert::Infallible;
use core::pin::pin;

use board::{entry, println};
use giambio::{Arena, Runtime, nursery_in};
use stages::{Way, read, square, store};

static TASKS: Arena<2, 192> = Arena::new();

async fn pipeline() {
    let (numbers, squares) = (Way::new(), Way::new());
    let Ok(()) = nursery_in(&TASKS, async |n| {
        n.spawn_wait(read(numbers.sender())).await;
        n.spawn_wait(square(numbers.receiver(), squares.sender())).await;
        store(squares.receiver()).await;
        Ok::<_, Infallible>(())
    })
    .await;
    println!("never more than {} of {} place in use", squares.peak(), squares.capacity());
}

#[entry]
fn main() -> ! {
    let board = board::start();
    pin!(Runtime::new(board.clock, pipeline())).run_masked(&mut board::sleep);
    board::exit(0)
}
