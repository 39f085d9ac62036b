#![no_std]
#![no_main]
use core::convert::Infallible;
use core::future::pending;

use bench_common as b;
use giambio_core::Arena;
use giambio_core::channel::Channel;
use giambio_core::sync::Shared;

static ARENA: Arena<{ b::N }, 128> = Arena::new();
static CHANNEL: Channel<u32, 4, Shared> = Channel::shared();

#[unsafe(no_mangle)]
extern "C" fn TIMER0() {
    b::isr_entered();
    b::irq_source_ack();
    let _ = CHANNEL.try_send(7);
}

/// The last task waits; the others never run again.
async fn worker(i: usize) -> Result<(), Infallible> {
    if i < b::N - 1 {
        pending::<()>().await;
    }
    loop {
        let _ = CHANNEL.receive().await;
        b::task_resumed();
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    b::clock_start();
    b::irq_source_start(50_000);
    fw_giambio::run_tasks(&ARENA, worker)
}
