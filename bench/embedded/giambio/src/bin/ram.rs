#![no_std]
#![no_main]
use core::convert::Infallible;
use core::future::ready;
use core::mem::{size_of, size_of_val};
use core::time::Duration;

use bench_common as b;
use fw_giambio::Millis;
use giambio_core::channel::Channel;
use giambio_core::sync::{Event, WakerSlot};
use giambio_core::{Arena, Runtime, interval, sleep};

async fn periodic() -> Result<(), Infallible> {
    let mut ticks = interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        b::toggle_a();
    }
}
async fn sleeper() -> Result<(), Infallible> {
    loop {
        sleep(Duration::from_millis(10)).await;
        b::toggle_a();
    }
}

/// How many bytes a child has; with too few, the compiler says how many the sleeper needs.
const BYTES: usize = if option_env!("BENCH_BYTES").is_some() { 1 } else { 256 };
static ARENA: Arena<{ b::N }, BYTES> = Arena::new();

#[cortex_m_rt::exception]
fn SysTick() {
    fw_giambio::on_tick();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let (a, c) = (periodic(), sleeper());
    // What one more place takes beside the bytes of the child.
    let slot = size_of::<Arena<2, 64>>() - size_of::<Arena<1, 64>>() - 64;
    let arena = size_of::<Arena<1, 64>>() - slot - 64;
    b::kv("executor", (size_of_val(&Runtime::new(Millis, ready(()))) + arena) as u32);
    b::kv("slot", slot as u32);
    b::kv("sleep_future", size_of_val(&sleep(Duration::from_millis(1))) as u32);
    b::kv("periodic_body", size_of_val(&a) as u32);
    b::kv("sleep_loop_body", size_of_val(&c) as u32);
    b::kv("waker_slot", size_of::<WakerSlot>() as u32);
    b::kv("event", size_of::<Event>() as u32);
    b::kv("channel", (size_of::<Channel<u32, 4>>() - 4 * size_of::<u32>()) as u32);
    if b::fires() == 0 {
        b::exit();
    }
    fw_giambio::run_tasks(&ARENA, |_| sleeper())
}
