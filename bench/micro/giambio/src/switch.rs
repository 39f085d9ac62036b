//! Tasks that take turns: by yielding, by waking themselves, by a channel, deep in nurseries.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::Pin;

use giambio::nursery;
use micro_suite::Player;

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

/// `n` round trips between two tasks, of which one is that many nurseries deeper than the other.
pub(crate) async fn ping_pong(n: u64, depth: u64) {
    let (first, second) = Player::pair();
    let second: Pin<Box<dyn Future<Output = u64>>> = Box::pin(second.play(n));
    let second = (0..depth).fold(second, |inner, _| Box::pin(alone(inner)));
    let Ok(()) = nursery(async |scope| {
        let first = scope.spawn_value(async { Ok::<_, Infallible>(first.play(n).await) });
        let second = scope.spawn_value(async { Ok(second.await) });
        black_box((first.await.ok(), second.await.ok()));
        Ok(())
    })
    .await;
}

/// In a nursery of its own.
async fn alone(inner: Pin<Box<dyn Future<Output = u64>>>) -> u64 {
    let Ok(sum) = nursery(async |scope| {
        let task = scope.spawn_value(async { Ok::<_, Infallible>(inner.await) });
        Ok(task.await.unwrap_or(0))
    })
    .await;
    sum
}
