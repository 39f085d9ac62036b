//! Code that is told to stop: deadlines, cancel scopes, and what must come to its end all the same.
//!
//! Any code can be given a deadline, whatever it awaits or spawns. When the time is over it is dropped where it waits.
//! A shield and the clean-up of `finally` run on, and the scope is left when they are done.
//!
//! ```text
//! move_on_after: None, after 1 second
//! fail_after: the deadline has passed
//! a nursery: its 3 children were cancelled with it
//! shield: saved, although the time was over
//! finally: said goodbye
//! cancel_scope: cancelled: the user left
//! ```

use std::time::Duration;

use giambio::{cancel_scope, clock, fail_after, finally, move_on_after, nursery, shield, sleep};

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(100);

async fn forever() -> Result<(), ()> {
    std::future::pending().await
}

async fn main_task() {
    let start = clock();
    let value = move_on_after(SECOND, sleep(3600 * SECOND)).await;
    println!("move_on_after: {value:?}, after {} second", (clock() - start).as_secs());

    if fail_after(SOON, sleep(SECOND)).await.is_err() {
        println!("fail_after: the deadline has passed");
    }

    let children = 3;
    let crowd = nursery(async |n| {
        for _ in 0..children {
            n.spawn(forever());
        }
        Ok(())
    });
    if move_on_after(SOON, crowd).await.is_none() {
        println!("a nursery: its {children} children were cancelled with it");
    }

    move_on_after(SOON, async {
        shield(async {
            sleep(2 * SOON).await;
            println!("shield: saved, although the time was over");
        })
        .await;
        sleep(SECOND).await;
        println!("never printed: the cancellation is noticed after the shield");
    })
    .await;

    let goodbye = async || {
        sleep(SOON).await;
        println!("finally: said goodbye");
    };
    move_on_after(SOON, finally(forever(), goodbye)).await;

    let result = cancel_scope(async |scope| {
        scope.cancel_because("the user left");
        forever().await
    })
    .await;
    if let Err(cancelled) = result {
        println!("cancel_scope: {cancelled}");
    }
}

fn main() {
    giambio::run(main_task());
}
