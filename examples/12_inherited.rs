//! What children inherit from where their nursery is: a span of `tracing`, and a value of one's own.
//!
//! Children are polled inside of their nursery, and the nursery inside of the span: so no child has to be told of it.
//!
//! ```text
//!  INFO request{number=1}: user 7 is looked up
//!  INFO request{number=2}: user 9 is looked up
//!  INFO request{number=1}: user 7 is greeted
//!  INFO request{number=2}: user 9 is greeted
//!  INFO nobody is asking
//! ```

use std::convert::Infallible;

use giambio::{TaskLocal, checkpoint, nursery};
use tracing::{Instrument, info, info_span};

static USER: TaskLocal<u32> = TaskLocal::new();

/// As deep down as you like, and in other people's code.
fn log(what: &str) {
    match USER.get() {
        Some(user) => info!("user {user} is {what}"),
        None => info!("nobody is asking"),
    }
}

async fn handle() -> Result<(), Infallible> {
    nursery(async |n| {
        for what in ["looked up", "greeted"] {
            n.spawn(async move {
                log(what);
                Ok(())
            })
            .await
            .ok();
            checkpoint().await;
        }
        Ok(())
    })
    .await
}

async fn main_task() {
    let Ok(()) = nursery(async |n| {
        for (number, user) in [(1, 7), (2, 9)] {
            n.spawn(USER.set(user, handle()).instrument(info_span!("request", number)));
        }
        Ok(())
    })
    .await;
    log("gone");
}

fn main() {
    tracing_subscriber::fmt().without_time().with_target(false).with_ansi(false).with_writer(std::io::stdout).init();
    giambio::run(main_task());
}
