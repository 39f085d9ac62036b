//! Three tasks in a row, each of which sends what it makes to the next.
//!
//! Nothing here knows of nurseries or of an operating system: the same file runs on a microcontroller.

use core::convert::Infallible;
use core::time::Duration;

use giambio::channel::{Channel, Receiver, Sender};
use giambio::sleep;

use super::println;

/// On its way from one task to the next are so many values and no more.
pub(crate) type Way = Channel<u32, 1>;

const SLOW: Duration = Duration::from_millis(50);

/// Begins the row. It is fast, so it waits for those behind it.
pub(crate) async fn read(to_next: Sender<'_, Way>) -> Result<(), Infallible> {
    for number in 1..=8 {
        println!("read {number}");
        if to_next.send(number).await.is_err() {
            break; // nobody is there any more
        }
    }
    Ok(())
}

/// Changes what comes. When no more will, it ends, and with it its sender.
pub(crate) async fn square(from_reader: Receiver<'_, Way>, to_next: Sender<'_, Way>) -> Result<(), Infallible> {
    while let Ok(number) = from_reader.receive().await {
        if to_next.send(number * number).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The last, which is slow.
pub(crate) async fn store(from_square: Receiver<'_, Way>) {
    while let Ok(number) = from_square.receive().await {
        sleep(SLOW).await;
        println!("stored {number}");
    }
}
