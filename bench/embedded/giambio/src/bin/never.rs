//! The two periodic tasks of `size`, in a nursery that can't end by its type.
#![no_std]
#![no_main]
use core::convert::Infallible;
use core::future::pending;
use core::time::Duration;

use bench_common as b;
use fw_giambio::Millis;
use giambio_core::{Arena, interval, run_nursery};

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
    match run_nursery(Millis, &ARENA, &mut |_| cortex_m::asm::wfi(), async |n| {
        let _ = n.try_spawn(a());
        let _ = n.try_spawn(c());
        pending::<Result<Infallible, Infallible>>().await
    }) {
        Ok(never) | Err(never) => match never {},
    }
}
