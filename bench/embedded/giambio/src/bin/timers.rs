#![no_std]
#![no_main]
use core::convert::Infallible;
use core::time::Duration;

use bench_common as b;
use giambio_core::{Arena, sleep};

static ARENA: Arena<{ b::N }, 96> = Arena::new();

async fn worker(i: usize) -> Result<(), Infallible> {
    let period = Duration::from_millis(b::period(i).into());
    let mut left = b::LEAD_FIRES;
    loop {
        sleep(period).await;
        b::fire();
        if i == 0 {
            left -= 1;
            if left == 0 {
                b::timers_done(fw_giambio::now() as u32);
            }
        }
    }
}

#[cortex_m_rt::exception]
fn SysTick() {
    fw_giambio::on_tick();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::systick_start();
    fw_giambio::run_tasks(&ARENA, worker)
}
