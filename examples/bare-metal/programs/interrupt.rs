//! A producer in an interrupt, a consumer in a task: samples through a channel, and an event for
//! those that found no room.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::pin::pin;
use core::sync::atomic::AtomicU16;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use board::{entry, println};
use giambio_core::channel::Channel;
use giambio_core::sync::{Event, Shared};
use giambio_core::{Arena, Runtime, nursery_in, sleep};

static SAMPLES: Channel<u16, 8, Shared> = Channel::shared();
static OVERRUN: Event<Shared> = Event::shared();
static TASKS: Arena<1, 256> = Arena::new();

/// Runs in the interrupt: it must neither wait nor fail.
fn sample() {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let number = TAKEN.load(Relaxed);
    TAKEN.store(number.wrapping_add(1), Relaxed);
    if SAMPLES.try_send(number).is_err() {
        OVERRUN.set();
    }
}

async fn consume() -> u32 {
    let mut sum = 0;
    for expected in 0..100 {
        let number = SAMPLES.receive().await;
        assert_eq!(number, Ok(expected), "none is lost while the task keeps up");
        sum += u32::from(expected);
    }
    println!("100 samples, their sum is {sum}");
    // Now the task is too slow for the channel.
    sleep(Duration::from_millis(50)).await;
    sum
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let main = nursery_in(&TASKS, async |n| {
        n.child()
            .daemon()
            .spawn_wait(async {
                OVERRUN.wait_and_clear().await;
                println!("too slow: {} samples wait, and some were lost", SAMPLES.len());
                Ok(())
            })
            .await;
        Ok::<_, Infallible>(consume().await)
    });
    board::every(Duration::from_millis(2), sample);
    let Ok(sum) = pin!(Runtime::new(board.clock, main)).run_masked(&mut board::sleep);
    assert_eq!(sum, 99 * 100 / 2);
    board::exit(0)
}
