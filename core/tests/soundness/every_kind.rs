//! Every future that the core offers, half-done.

use std::future::Future;
use std::pin::Pin;

use crate::common::*;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::{
    Arena, cancel_scope, checkpoint, finally, finally_for, interval, move_on_after, nursery, nursery_in, shield,
    shield_for, sleep, sync,
};

pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Every future that the core offers, waiting for `event` or for a second, with counted objects inside.
pub(crate) fn every_kind<'a>(live: &'a Live, event: &'a Event) -> Vec<(&'static str, Boxed<'a>)> {
    static ARENA: Arena<64, 2048> = Arena::new();
    let wait = move || async move {
        let _object = live.object();
        event.wait().await;
        let _other = live.object();
    };
    let mut kinds: Vec<(&'static str, Boxed<'a>)> = vec![
        ("sleep", Box::pin(sleep(secs(1)))),
        ("checkpoint", Box::pin(checkpoint())),
        (
            "interval",
            Box::pin(async {
                let _ = interval(secs(1)).tick().await;
            }),
        ),
        (
            "cancel_scope",
            Box::pin(async move {
                let _ = cancel_scope(async |_| wait().await).await;
            }),
        ),
        (
            "cancel_scope, cancelled",
            Box::pin(async move {
                let scope = cancel_scope(async |scope| {
                    scope.set_deadline(Some(giambio_core::clock() + secs(1)));
                    wait().await;
                    scope.cancel();
                    wait().await;
                });
                let _ = scope.await;
            }),
        ),
        (
            "move_on_after",
            Box::pin(async move {
                let _ = move_on_after(secs(2), wait()).await;
            }),
        ),
        (
            "fail_after",
            Box::pin(async move {
                let _ = giambio_core::fail_after(secs(2), wait()).await;
            }),
        ),
        (
            "events",
            Box::pin(async move {
                let (own, others) = (sync::Event::new(), sync::Event::shared());
                let set = async {
                    wait().await;
                    own.set();
                    checkpoint().await;
                    others.set();
                };
                futures::join!(own.wait(), own.wait(), others.wait_and_clear(), set);
            }),
        ),
        ("shield", Box::pin(shield(wait()))),
        ("shield_for", Box::pin(shield_for(secs(1), wait()))),
        ("finally", Box::pin(finally(wait(), async move || wait().await))),
        ("finally_for", Box::pin(finally_for(secs(1), wait(), async move || wait().await))),
        (
            "shield, cancelled",
            Box::pin(async move {
                let _ = move_on_after(secs(0), shield(wait())).await;
            }),
        ),
        (
            "finally, cancelled",
            Box::pin(async move {
                let _ = move_on_after(secs(0), finally(wait(), async move || wait().await)).await;
            }),
        ),
        (
            "nursery",
            Box::pin(async move {
                let inner = nursery(async |n| {
                    for _ in 0..3 {
                        n.spawn(async {
                            wait().await;
                            n.spawn(async { Ok(wait().await) });
                            Ok(())
                        });
                    }
                    let task = n.spawn_value(async {
                        wait().await;
                        Ok(live.object())
                    });
                    wait().await;
                    drop(task.await);
                    Ok::<_, ()>(live.object())
                });
                let _ = inner.await;
            }),
        ),
        (
            "nursery, cancelled, with shields",
            Box::pin(async move {
                let inner = nursery(async |n| {
                    n.spawn(async { Ok(shield(wait()).await) });
                    n.spawn(async { Ok(finally(wait(), async || wait().await).await) });
                    n.spawn(nursery(async |n| {
                        n.spawn(async { Ok(shield(wait()).await) });
                        wait().await;
                        Ok(())
                    }));
                    n.child().daemon().spawn(async { Ok(wait().await) });
                    n.child().after(secs(1)).spawn(async { Ok(wait().await) });
                    checkpoint().await;
                    checkpoint().await;
                    Err::<(), _>(live.object())
                });
                let _ = inner.await;
            }),
        ),
        (
            "nursery_in",
            Box::pin(async move {
                let inner = nursery_in(&ARENA, async |n| {
                    for _ in 0..3 {
                        drop(n.try_spawn(async { Ok(wait().await) }));
                    }
                    let task = n.child().spawn_value_wait(async {
                        wait().await;
                        Ok(live.object())
                    });
                    drop(task.await.await);
                    Ok::<_, ()>(())
                });
                let _ = inner.await;
            }),
        ),
        (
            "all of it, nested",
            Box::pin(async move {
                let inner = move_on_after(
                    secs(3),
                    finally(
                        async move {
                            let inner = nursery(async |n| {
                                n.spawn(shield(async {
                                    let late = cancel_scope(async |scope| {
                                        let inner = nursery(async |n| {
                                            n.spawn(async {
                                                wait().await;
                                                scope.cancel();
                                                Ok(())
                                            });
                                            n.spawn(async { Ok(finally(wait(), async || wait().await).await) });
                                            Ok::<_, ()>(())
                                        });
                                        let _ = inner.await;
                                    });
                                    let _ = late.await;
                                    Ok(())
                                }));
                                Ok::<_, ()>(())
                            });
                            let _ = inner.await;
                        },
                        async move || wait().await,
                    ),
                );
                let _ = inner.await;
            }),
        ),
    ];
    kinds.push((
        "foreign sets",
        Box::pin(async move {
            let mut set: FuturesUnordered<Boxed<'_>> = FuturesUnordered::new();
            for _ in 0..3 {
                set.push(Box::pin(async move {
                    let inner = nursery(async |n| {
                        n.spawn(async { Ok(wait().await) });
                        Ok::<_, ()>(())
                    });
                    let _ = inner.await;
                }));
            }
            while set.next().await.is_some() {}
        }),
    ));
    kinds
}

/// As many polls as it takes until nothing moves any more.
pub(crate) async fn rest() {
    for _ in 0..8 {
        checkpoint().await;
    }
}

/// Polls a future each time the task that awaits this is polled.
pub(crate) async fn poll_along<F: Future + ?Sized>(mut future: Pin<&mut F>, rounds: u32) -> bool {
    for _ in 0..rounds {
        if poll_once(future.as_mut()).await.is_ready() {
            return true;
        }
        checkpoint().await;
    }
    false
}
