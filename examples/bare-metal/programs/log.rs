//! The debugger's events by `defmt`, over semihosting: texts stay on the computer, and only their
//! numbers and the values are sent. `defmt-print -e target/…/log` makes lines of them again.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::pin::pin;
use core::time::Duration;

use board::entry;
use defmt_semihosting as _;
use giambio_core::{Arena, DefmtDebugger, Runtime, fail_after, nursery_in, sleep};

static TASKS: Arena<2, 512> = Arena::new();

#[derive(Debug)]
struct Broken;

async fn machine() -> Result<(), Broken> {
    nursery_in(&TASKS, async |n| {
        n.child().name("motor").spawn_wait(async { Ok(sleep(Duration::from_secs(60)).await) }).await;
        n.child()
            .name("watch")
            .spawn_wait(async {
                sleep(Duration::from_millis(10)).await;
                Err(Broken)
            })
            .await;
        Ok(())
    })
    .await
}

async fn main_task() {
    if machine().await.is_err() {
        defmt::error!("the machine is broken");
    }
    if let Err(late) = fail_after(Duration::from_millis(5), sleep(Duration::from_secs(1))).await {
        defmt::warn!("{}", late);
    }
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let runtime = pin!(Runtime::new(board.clock, main_task()).with_debugger(DefmtDebugger));
    runtime.run_masked(&mut board::sleep);
    board::exit(0)
}
