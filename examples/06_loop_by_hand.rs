//! The loop is yours if you want it: `Runtime::turn`, and a wait of your own.
//!
//! A turn does what can be done now and says when to come back; nothing in it sleeps. `giambio::run` is such a loop whose
//! wait is the operating system's. This one has frames, like a game or a user interface: it turns the tasks, draws, and
//! sleeps until the next frame is due or a task's time has come, whichever is first.
//!
//! ```text
//! frame 0
//! [task] counting
//! frame 1
//! [task] 1
//! frame 2
//! frame 3
//! [task] 2
//! the loop ended with "done"
//! ```

use std::pin::pin;
use std::thread;
use std::time::Duration;

use giambio::{Clock, Next, Runtime, StdClock, Tick, Until, sleep};

const FRAME: u64 = StdClock::HZ / 5;

async fn count() -> &'static str {
    println!("[task] counting");
    for number in 1..=2 {
        sleep(Duration::from_millis(300)).await;
        println!("[task] {number}");
    }
    "done"
}

/// Sleeps on this thread until the clock says so.
fn wait(clock: &StdClock, until: Tick) {
    thread::sleep(Duration::from_nanos(until.0.saturating_sub(clock.now().0)));
}

fn main() {
    let clock = StdClock::new();
    let mut runtime = pin!(Runtime::new(&clock, count()));
    let mut frame = 0;
    let ended = loop {
        if clock.now().0 >= frame * FRAME {
            println!("frame {frame}");
            frame += 1;
        }
        let next_frame = Tick(frame * FRAME);
        match runtime.as_mut().turn() {
            Next::Finished(value) => break value,
            Next::Wait(Until::Now) => {} // tasks are ready: turn again
            Next::Wait(Until::At(tick)) => wait(&clock, tick.min(next_frame)), // a timer is due then
            Next::Wait(Until::OnWake) => wait(&clock, next_frame), // nothing before somebody wakes a task
        }
    };
    println!("the loop ended with {ended:?}");
}
