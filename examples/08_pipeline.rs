//! Tasks in a row, and channels between them: who is too fast waits.
//!
//! A channel holds so many values and no more, so a slow task slows down those before it, and the memory that is used has a
//! bound. The ends are counted: when the last sender has ended, the receiver is told, and so the end of the work goes
//! down the row by itself.
//!
//! ```text
//! read line 1
//! read line 2
//! read line 3
//! read line 4
//! read line 5
//! stored LINE 1
//! read line 6
//! stored LINE 2
//! read line 7
//! stored LINE 3
//! read line 8
//! stored LINE 4
//! stored LINE 5
//! stored LINE 6
//! stored LINE 7
//! stored LINE 8
//! never more than 1 of 1 place in use
//! ```

use std::convert::Infallible;
use std::time::Duration;

use giambio::channel::Channel;
use giambio::{nursery, sleep};

const SLOW: Duration = Duration::from_millis(50);

async fn pipeline() {
    let (lines, words) = (Channel::<String, 1>::new(), Channel::<String, 1>::new());
    let Ok(()) = nursery::<_, Infallible, _>(async |n| {
        let (to_shout, to_store) = (lines.sender(), words.sender());
        n.spawn(async move {
            for number in 1..=8 {
                println!("read line {number}");
                if to_shout.send(format!("line {number}")).await.is_err() {
                    break; // nobody is there any more
                }
            }
            Ok(())
        });
        let from_reader = lines.receiver();
        n.spawn(async move {
            while let Ok(line) = from_reader.receive().await {
                if to_store.send(line.to_uppercase()).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let from_shouter = words.receiver();
        while let Ok(line) = from_shouter.receive().await {
            sleep(SLOW).await;
            println!("stored {line}");
        }
        Ok(())
    })
    .await;
    println!("never more than {} of {} place in use", words.peak(), words.capacity());
}

fn main() {
    giambio::run(pipeline());
}
