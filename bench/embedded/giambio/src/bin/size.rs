#![no_std]
#![no_main]
use core::convert::Infallible;
use core::time::Duration;

use bench_common as b;
use fw_giambio::Millis;
use giambio_core::{Arena, interval, nursery_in, run_nursery};

static ARENA: Arena<2, 100> = Arena::new();

async fn a() -> Result<(), Infallible> {
    let mut ticks = interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        b::toggle_a();
    }
}
async fn c() -> Result<(), Infallible> {
    let mut ticks = interval(Duration::from_millis(25));
    loop {
        ticks.tick().await;
        b::toggle_b();
    }
}

#[cortex_m_rt::exception]
fn SysTick() {
    fw_giambio::on_tick();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::systick_start();
    let Ok(()) = if cfg!(feature = "joined") {
        fw_giambio::run_two(a(), c())
    } else if !cfg!(feature = "nested") {
        run_nursery(Millis, &ARENA, &mut |_| cortex_m::asm::wfi(), async |n| {
            let _ = n.try_spawn(a());
            let _ = n.try_spawn(c());
            Ok(())
        })
    } else {
        fw_giambio::run(nursery_in(&ARENA, async |n| {
            let _ = n.try_spawn(a());
            let _ = n.try_spawn(c());
            Ok(())
        }))
    };
    b::exit()
}
