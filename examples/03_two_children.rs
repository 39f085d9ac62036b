//! Two things at once: a nursery and its children.
//!
//! `spawn` returns at once, and the child runs whenever its siblings and the body wait. The nursery ends when the body
//! and all children have ended: two naps of 2 seconds, taken together, are 2 seconds. One thread does it all; it
//! switches tasks only where one of them awaits.
//!
//! ```text
//! [main] Children spawned, awaiting completion
//! [child] Child spawned! Sleeping for 2 seconds
//! [child 1] Child spawned! Sleeping for 2 seconds
//! [child] Had a nice nap!
//! [child 1] Had a nice nap!
//! [main] Children execution complete in 2.00 seconds
//! ```

use std::convert::Infallible;
use std::time::Duration;

use giambio::{clock, nursery, sleep};

async fn child(name: &str) -> Result<(), Infallible> {
    println!("[{name}] Child spawned! Sleeping for 2 seconds");
    sleep(Duration::from_secs(2)).await;
    println!("[{name}] Had a nice nap!");
    Ok(())
}

async fn main_task() -> Result<(), Infallible> {
    let start = clock();
    let names = [String::from("child"), String::from("child 1")];
    nursery(async |n| {
        n.spawn(child(&names[0])); // children may borrow what lives outside the nursery
        n.spawn(child(&names[1]));
        println!("[main] Children spawned, awaiting completion");
        Ok(())
    })
    .await?;
    println!("[main] Children execution complete in {:.2} seconds", (clock() - start).as_secs_f64());
    Ok(())
}

fn main() {
    let Ok(()) = giambio::run(main_task());
}
