#![no_std]
#![no_main]
use core::cell::Cell;
use core::convert::Infallible;
use core::future::{pending, poll_fn};
use core::task::{Poll, Waker};

use bench_common as b;
use critical_section::Mutex;
use giambio_core::Arena;

static ARENA: Arena<{ b::N }, 96> = Arena::new();
static SET: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));
static WAITS: Mutex<Cell<Option<Waker>>> = Mutex::new(Cell::new(None));

#[unsafe(no_mangle)]
extern "C" fn TIMER0() {
    b::isr_entered();
    b::irq_source_ack();
    let waker = critical_section::with(|cs| {
        SET.borrow(cs).set(true);
        WAITS.borrow(cs).take()
    });
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The last task waits; the others never run again.
async fn worker(i: usize) -> Result<(), Infallible> {
    if i < b::N - 1 {
        pending::<()>().await;
    }
    loop {
        poll_fn(|cx| {
            critical_section::with(|section| {
                if SET.borrow(section).take() {
                    return Poll::Ready(());
                }
                WAITS.borrow(section).set(Some(cx.waker().clone()));
                Poll::Pending
            })
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
