//! A child that fails: its siblings are cancelled, clean up, and the caller gets the error.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::fmt;
use core::pin::pin;
use core::time::Duration;

use board::{entry, println};
use giambio_core::{Arena, Runtime, clock, finally, interval, nursery_in, sleep};

const MOMENT: Duration = Duration::from_millis(10);

#[derive(Debug, PartialEq)]
enum PumpError {
    TooHot { degrees: u16 },
}

impl fmt::Display for PumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PumpError::TooHot { degrees } => write!(f, "the pump has {degrees} degrees"),
        }
    }
}

static TASKS: Arena<2, 640> = Arena::new();

/// Runs until somebody stops it, and never leaves the motor on.
async fn pump() -> Result<(), PumpError> {
    println!("motor on");
    finally(sleep(3600 * Duration::from_secs(1)), async || {
        println!("motor slows down");
        sleep(3 * MOMENT).await; // a clean-up may wait
        println!("motor off");
    })
    .await;
    Ok(())
}

/// Looks at the temperature, which rises.
async fn watch() -> Result<(), PumpError> {
    let mut degrees = 77;
    let mut looks = interval(MOMENT);
    loop {
        looks.tick().await;
        degrees += 1;
        if degrees > 80 {
            println!("too hot");
            return Err(PumpError::TooHot { degrees });
        }
    }
}

async fn machine() -> Result<(), PumpError> {
    nursery_in(&TASKS, async |n| {
        n.spawn_wait(pump()).await;
        n.spawn_wait(watch()).await;
        Ok(())
    })
    .await
}

#[entry]
fn main() -> ! {
    let board = board::start();
    let main = async {
        let start = clock();
        let result = machine().await;
        (result, clock() - start)
    };
    let (result, took) = pin!(Runtime::new(board.clock, main)).run_masked(&mut board::sleep);
    match &result {
        Ok(()) => println!("all is well"),
        Err(error) => println!("stopped: {error}"),
    }
    assert_eq!(result, Err(PumpError::TooHot { degrees: 81 }));
    assert!(took >= 7 * MOMENT, "four looks and the clean-up");
    assert_eq!(TASKS.used(), 0);
    board::exit(0)
}
