//! What a failed `accept` leads to: the next connection, a pause, or the end.

use std::io;
use std::time::Duration;

use giambio_core::sleep;

use crate::sys::errno::{AfterAccept, after_accept};

/// How soon to try again when descriptors have run out. The system tells of a connection only once and
/// of freed descriptors not at all, so time is the only thing to wait for.
const UNTIL_DESCRIPTORS: Duration = Duration::from_millis(20);

/// So many broken connections are passed over at a stretch. What goes on for longer may be there to stay, as a firewall's
/// rule, and must not keep a CPU busy.
const BROKEN_AT_A_STRETCH: u32 = 100;

/// Has `accept` try until it has a connection, or the listener itself is broken. `lacks` is told each time that descriptors or
/// memory have run out.
pub(in crate::net) async fn retrying<T>(
    accept: impl AsyncFn() -> io::Result<T>,
    lacks: impl Fn(&io::Error),
) -> io::Result<T> {
    let mut broken = 0;
    loop {
        let error = match accept().await {
            Ok(accepted) => return Ok(accepted),
            Err(error) => error,
        };
        match after_accept(&error) {
            AfterAccept::GiveUp => return Err(error),
            AfterAccept::TakeNext if passes_over(broken) => {
                broken += 1;
                continue;
            }
            AfterAccept::TakeNext => {}
            AfterAccept::TryLater => lacks(&error),
        }
        broken = 0;
        sleep(UNTIL_DESCRIPTORS).await;
    }
}

/// Is the next connection looked at at once, after so many broken ones?
pub(super) fn passes_over(broken: u32) -> bool {
    broken < BROKEN_AT_A_STRETCH
}
