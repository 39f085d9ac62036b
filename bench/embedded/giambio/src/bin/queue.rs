#![no_std]
#![no_main]
use core::convert::Infallible;
use core::future::pending;

use bench_common as b;
use giambio_core::Arena;
use giambio_core::sync::{Queue, Shared};

static ARENA: Arena<{ b::N }, 128> = Arena::new();
static QUEUE: Queue<u32, 4, Shared> = Queue::shared();

#[unsafe(no_mangle)]
extern "C" fn TIMER0() {
    b::isr_entered();
    b::irq_source_ack();
    let _ = QUEUE.try_push(7);
}

/// The last task waits; the others never run again.
async fn worker(i: usize) -> Result<(), Infallible> {
    if i < b::N - 1 {
        pending::<()>().await;
    }
    loop {
        let _ = QUEUE.pop().await;
        b::task_resumed();
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::clock_start();
    b::irq_source_start(50_000);
    fw_giambio::run_tasks(&ARENA, worker)
}
