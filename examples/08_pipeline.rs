//! Tasks in a row, and channels between them: who is too fast waits.
//!
//! A channel holds so many values and no more, so a slow task slows down those before it, and the memory that is used has a
//! bound. The ends are counted: when the last sender has ended, the receiver is told, and so the end of the work goes
//! down the row by itself.
//!
//! The tasks are those of `bare-metal/programs/pipeline.rs`, which lie in an arena there.
//!
//! ```text
//! read 1
//! read 2
//! read 3
//! read 4
//! read 5
//! stored 1
//! read 6
//! stored 4
//! read 7
//! stored 9
//! read 8
//! stored 16
//! stored 25
//! stored 36
//! stored 49
//! stored 64
//! never more than 1 of 1 place in use
//! ```

#[path = "shared/stages.rs"]
mod stages;

use std::convert::Infallible;
use std::println;

use giambio::nursery;
use stages::{Way, read, square, store};

async fn pipeline() {
    let (numbers, squares) = (Way::new(), Way::new());
    let Ok(()) = nursery::<_, Infallible, _>(async |n| {
        n.spawn(read(numbers.sender()));
        n.spawn(square(numbers.receiver(), squares.sender()));
        store(squares.receiver()).await;
        Ok(())
    })
    .await;
    println!("never more than {} of {} place in use", squares.peak(), squares.capacity());
}

fn main() {
    giambio::run(pipeline());
}
