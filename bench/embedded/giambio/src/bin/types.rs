//! As many types of children as the benchmark asks for: what each further one takes.
#![no_std]
#![no_main]
use core::convert::Infallible;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use core::time::Duration;

use bench_common as b;
use fw_giambio::Millis;
use giambio_core::{Arena, interval, run_nursery};

static ARENA: Arena<8, 100> = Arena::new();
static NUMBERS: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];

async fn task<const I: u64>() -> Result<(), Infallible> {
    let mut ticks = interval(Duration::from_millis(10 + I));
    loop {
        ticks.tick().await;
        let number = &NUMBERS[I as usize];
        number.store(number.load(Relaxed).wrapping_mul(2 * I as u32 + 3), Relaxed);
    }
}

#[cortex_m_rt::exception]
fn SysTick() {
    fw_giambio::on_tick();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::systick_start();
    let Ok(()) = run_nursery(Millis, &ARENA, &mut |_| cortex_m::asm::wfi(), async |n| {
        macro_rules! spawn {
            ($($i:literal)*) => {
                $(if $i < b::N {
                    let _ = n.try_spawn(task::<$i>());
                })*
            };
        }
        spawn!(0 1 2 3 4 5 6 7);
        Ok(())
    });
    b::exit()
}
