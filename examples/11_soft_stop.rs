//! "Finish what you do, and begin nothing new": a stop that is asked for, and a grace after which it is demanded.
//!
//! The worker looks for the stop between two jobs. The one that never looks is cancelled when its grace is over.
//!
//! ```text
//! working on job 1
//! working on job 2
//! please stop
//! job 2 is done, no other is begun
//! who never looks was cancelled: the deadline passed
//! ```

use std::convert::Infallible;
use std::time::Duration;

use giambio::{cancel_scope, clock, nursery, sleep, until_stopped};

const MOMENT: Duration = Duration::from_millis(100);

async fn worker() -> Result<(), Infallible> {
    let mut job = 0;
    // The pause between two jobs may be cut short, a job may not.
    while until_stopped(sleep(MOMENT / 2)).await.is_some() {
        job += 1;
        println!("working on job {job}");
        sleep(2 * MOMENT).await;
    }
    println!("job {job} is done, no other is begun");
    Ok(())
}

async fn main_task() {
    let ended = cancel_scope(async |scope| {
        nursery(async |n| {
            n.spawn(worker());
            n.spawn(std::future::pending()); // never looks
            sleep(4 * MOMENT).await;
            println!("please stop");
            scope.ask_to_stop();
            scope.set_deadline(Some(clock() + 4 * MOMENT));
            Ok(())
        })
        .await
    });
    match ended.await {
        Ok(_) => println!("all have ended by themselves"),
        Err(cancelled) => println!("who never looks was {cancelled}"),
    }
}

fn main() {
    giambio::run(main_task());
}
