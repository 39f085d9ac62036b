//! What is written for embassy and for `embedded-hal-async`, in giambio's nurseries: embassy's
//! timers and channels, and a driver that wants a `DelayNs`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::pin::pin;

use board::{Clock, entry, println};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::{Duration, Instant, Ticker, with_timeout};
use embedded_hal_async::delay::DelayNs;
use giambio_core::{Arena, Delay, Runtime, nursery_in};
use giambio_embassy_time::Driver;

giambio_embassy_time::driver!(static EMBASSY: Driver<Clock, 4> = Driver::new(Clock));

static TASKS: Arena<2, 512> = Arena::new();
static READINGS: Channel<CriticalSectionRawMutex, u32, 2> = Channel::new();

/// As drivers are written: whose delay it is, they don't know.
async fn start_sensor(delay: &mut impl DelayNs) {
    delay.delay_ms(20).await;
}

async fn sensor() -> Result<(), Infallible> {
    start_sensor(&mut Delay).await;
    let mut ticker = Ticker::every(Duration::from_millis(10));
    for reading in 1..=5 {
        ticker.next().await;
        READINGS.send(reading).await;
    }
    Ok(())
}

async fn main_task() -> u32 {
    let start = Instant::now();
    let mut sum = 0;
    let Ok(()) = nursery_in(&TASKS, async |n| {
        n.child().daemon().spawn_wait(async { match EMBASSY.run().await {} }).await;
        n.spawn_wait(sensor()).await;
        while let Ok(reading) = with_timeout(Duration::from_millis(100), READINGS.receive()).await {
            println!("reading {reading}");
            sum += reading;
        }
        Ok(())
    })
    .await;
    assert!(start.elapsed() >= Duration::from_millis(20 + 5 * 10 + 100));
    sum
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let sum = pin!(Runtime::new(board.clock, main_task())).run_masked(&mut board::sleep);
    println!("silence, after readings that add up to {sum}");
    board::exit(0)
}
