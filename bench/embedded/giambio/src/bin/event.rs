#![no_std]
#![no_main]
use core::convert::Infallible;
use core::future::pending;

use bench_common as b;
use giambio_core::Arena;
use giambio_core::sync::{Event, Shared};

static ARENA: Arena<{ b::N }, 128> = Arena::new();
static EVENT: Event<Shared> = Event::shared();

#[unsafe(no_mangle)]
extern "C" fn TIMER0() {
    b::isr_entered();
    b::irq_source_ack();
    EVENT.set();
}

/// The last task waits; the others never run again.
async fn worker(i: usize) -> Result<(), Infallible> {
    if i < b::N - 1 {
        pending::<()>().await;
    }
    loop {
        EVENT.wait_and_clear().await;
        b::task_resumed();
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::clock_start();
    b::irq_source_start(50_000);
    fw_giambio::run_tasks(&ARENA, worker)
}
