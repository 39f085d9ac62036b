//! Tasks that take turns: by yielding, by waking themselves, by a channel.

use std::future::Future;
use std::hint::black_box;

use super::Runtime;
use crate::{Channel, play};

pub(super) async fn yields<R: Runtime, Y: Future<Output = ()>>(n: u64, tasks: u64, pause: fn() -> Y)
where
    Y: 'static,
{
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

pub(super) async fn ping_pong<R: Runtime, C: Channel>(n: u64) {
    let ((there, arrived), (back, returned)) = (C::pair(), C::pair());
    let first = R::spawn(play::<C>(there, returned, true, n));
    let second = R::spawn(play::<C>(back, arrived, false, n));
    black_box(R::join(first).await + R::join(second).await);
}
