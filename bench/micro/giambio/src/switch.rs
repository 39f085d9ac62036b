//! Tasks that take turns: by yielding, by waking themselves, by a channel, deep in nurseries.

use std::convert::Infallible;
use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;

use bench_common::{Meter, SelfWake, timed};
use futures_core::Stream;
use giambio::nursery;
use local_channel::mpsc::{Receiver, Sender, channel};

/// So many tasks, together `n` yields.
pub(crate) async fn yields<Y: Future<Output = ()>>(n: u64, tasks: u64, pause: fn() -> Y) {
    let Ok(()) = nursery(async |scope| {
        for _ in 0..tasks {
            scope.spawn(async {
                for _ in 0..n / tasks {
                    pause().await;
                }
                Ok::<_, Infallible>(())
            });
        }
        Ok(())
    })
    .await;
}

/// `n` round trips between two tasks.
pub(crate) async fn ping_pong(n: u64) {
    let ((there, mut arrived), (back, mut returned)) = (channel(), channel());
    let Ok(()) = nursery(async |scope| {
        let first = scope.spawn_value(play(there, &mut returned, true, n));
        let second = scope.spawn_value(play(back, &mut arrived, false, n));
        black_box((first.await.ok(), second.await.ok()));
        Ok(())
    })
    .await;
}

async fn play(sender: Sender<u64>, receiver: &mut Receiver<u64>, first: bool, n: u64) -> Result<u64, Infallible> {
    if first {
        let _ = sender.send(0);
    }
    let mut sum = 0;
    for i in 0..n {
        sum += poll_fn(|cx| Pin::new(&mut *receiver).poll_next(cx)).await.unwrap_or(0);
        if !first || i + 1 < n {
            let _ = sender.send(i);
        }
    }
    Ok(sum)
}

/// A task in nurseries that many deep wakes itself `n` times.
pub(crate) async fn deep(n: u64, depth: u64) -> Meter {
    if depth == 0 {
        let work = async {
            for _ in 0..n {
                SelfWake::default().await;
            }
        };
        return timed(n, work).await;
    }
    let Ok(meter) = nursery(async |scope| {
        let inner: Pin<Box<dyn Future<Output = Meter>>> = Box::pin(deep(n, depth - 1));
        let task = scope.spawn_value(async { Ok::<_, Infallible>(inner.await) });
        Ok(task.await.unwrap_or_default())
    })
    .await;
    meter
}
