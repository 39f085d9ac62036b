//! An error is never lost: it ends the nursery, and the caller gets it.
//!
//! The first error cancels the body and the other children. Each is dropped where it waits, destructors and all, and
//! then the nursery returns that error, like any other call that failed.
//!
//! ```text
//! [patient] Waiting for an hour
//! [failing] Something is about to go wrong
//! [patient] Dropped
//! [main] The nursery failed after 1 second: out of luck
//! ```

use std::time::Duration;

use giambio::{clock, nursery, sleep};

struct Patient;

impl Drop for Patient {
    fn drop(&mut self) {
        println!("[patient] Dropped");
    }
}

async fn patient() -> Result<(), &'static str> {
    let _patient = Patient;
    println!("[patient] Waiting for an hour");
    sleep(Duration::from_secs(3600)).await;
    println!("[patient] Never gets here");
    Ok(())
}

async fn failing() -> Result<(), &'static str> {
    println!("[failing] Something is about to go wrong");
    sleep(Duration::from_secs(1)).await;
    Err("out of luck")
}

async fn main_task() {
    let start = clock();
    let result = nursery(async |n| {
        n.spawn(patient());
        n.spawn(failing());
        Ok(())
    })
    .await;
    if let Err(error) = result {
        println!("[main] The nursery failed after {} second: {error}", (clock() - start).as_secs());
    }
}

fn main() {
    giambio::run(main_task());
}
