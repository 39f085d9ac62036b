//! Deadlines, a shield, and a clean-up that has so much time and no more.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::pin::pin;
use core::time::Duration;

use board::{entry, println};
use giambio_core::{Runtime, clock, fail_after, finally_for, move_on_after, shield, sleep};

const MOMENT: Duration = Duration::from_millis(10);

async fn answer(after: Duration) -> u32 {
    sleep(after).await;
    42
}

async fn tour() {
    // In time, and too late.
    assert_eq!(move_on_after(2 * MOMENT, answer(MOMENT)).await, Some(42));
    assert_eq!(move_on_after(MOMENT, answer(9 * MOMENT)).await, None);
    println!("moved on");

    // The same as an error.
    let late = fail_after(MOMENT, answer(9 * MOMENT)).await;
    println!("failed: {}", late.unwrap_err());

    // What must not be torn apart, is not: the deadline is noticed after it.
    let start = clock();
    let result = move_on_after(MOMENT, async {
        shield(async {
            sleep(3 * MOMENT).await;
            println!("page written");
        })
        .await;
        sleep(9 * MOMENT).await;
        unreachable!("the deadline has passed");
    })
    .await;
    assert_eq!(result, None);
    assert!(clock() - start >= 3 * MOMENT);

    // A clean-up that takes too long is given up.
    let start = clock();
    let work = finally_for(MOMENT, sleep(9 * MOMENT), async || sleep(99 * MOMENT).await);
    assert_eq!(move_on_after(MOMENT, work).await, None);
    let took = clock() - start;
    assert!((2 * MOMENT..9 * MOMENT).contains(&took), "{took:?}");
    println!("given up");
}

#[entry]
fn main() -> ! {
    let board = board::start();
    pin!(Runtime::new(board.clock, tour())).run_masked(&mut board::sleep);
    board::exit(0)
}
