//! Tasks that take turns: by yielding, by waking themselves, by a channel.

use std::future::Future;
use std::hint::black_box;

use super::Runtime;
use crate::Player;

pub(super) async fn yields<R: Runtime, Y: Future<Output = ()> + 'static>(n: u64, tasks: u64, pause: fn() -> Y) {
    let each = n / tasks;
    let mut handles = Vec::with_capacity(tasks as usize);
    for _ in 0..tasks {
        handles.push(R::spawn(async move {
            for _ in 0..each {
                pause().await;
            }
        }));
    }
    for task in handles {
        R::join(task).await;
    }
}

pub(super) async fn ping_pong<R: Runtime>(n: u64) {
    let (first, second) = Player::pair();
    let (first, second) = (R::spawn(first.play(n)), R::spawn(second.play(n)));
    black_box(R::join(first).await + R::join(second).await);
}
