#![no_std]
#![no_main]
use core::convert::Infallible;
use core::future::{pending, poll_fn};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::task::Poll;

use bench_common as b;
use giambio_core::Arena;
use giambio_core::sync::WakerSlot;

static ARENA: Arena<{ b::N }, 96> = Arena::new();
static SET: AtomicBool = AtomicBool::new(false);
static WAITS: WakerSlot = WakerSlot::new();

#[unsafe(no_mangle)]
extern "C" fn TIMER0() {
    b::isr_entered();
    b::irq_source_ack();
    SET.store(true, Relaxed);
    WAITS.wake();
}

/// The last task waits; the others never run again.
async fn worker(i: usize) -> Result<(), Infallible> {
    if i < b::N - 1 {
        pending::<()>().await;
    }
    loop {
        poll_fn(|cx| {
            WAITS.register(cx.waker());
            if SET.swap(false, Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        b::task_resumed();
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::clock_start();
    b::irq_source_start(50_000);
    fw_giambio::run_tasks(&ARENA, worker)
}
