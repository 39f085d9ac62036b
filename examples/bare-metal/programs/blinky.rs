//! Two LEDs, two periods, two children; in between the processor sleeps.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::time::Duration;

use board::{Leds, entry, println};
use giambio_core::{Arena, clock, interval, run_nursery};

static BLINKERS: Arena<2, 320> = Arena::new();

async fn blink(leds: &Leds, led: usize, period: Duration) -> Result<(), Infallible> {
    let start = clock();
    let mut beats = interval(period);
    for beat in 1..=10 {
        let due = beats.tick().await; // without drift
        let on = beat % 2 == 1;
        leds.set(led, on);
        println!("{} ms: LED {led} {}", (due - start).as_millis(), if on { "on" } else { "off" });
    }
    Ok(())
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let leds = &board.leds;
    let Ok(()) = run_nursery(board.clock, &BLINKERS, &mut board::sleep, async |n| {
        n.spawn_wait(blink(leds, 0, Duration::from_millis(200))).await;
        n.spawn_wait(blink(leds, 1, Duration::from_millis(500))).await;
        Ok(())
    });
    println!("slept {} times", board::sleeps());
    board::exit(0)
}
