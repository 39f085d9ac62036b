//! Who may cancel what: children, bodies, siblings, other threads.

use super::because;
use crate::common::*;
use giambio_core::{
    CancelScope, Cancelled, Reason, cancel_scope, checkpoint, is_cancelled, move_on_after, nursery, sleep,
};

#[test]
fn a_sibling_cancels() {
    run_virtual(async {
        let log = &Log::new();
        let result = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    sleep(secs(3)).await;
                    scope.cancel_because("the sibling said so");
                    log.at("cancels");
                    Ok(())
                });
                n.spawn(async {
                    let _end = log.on_drop("dropped");
                    forever().await
                });
                Ok::<_, ()>(())
            })
            .await
        })
        .await;
        log.add("left");
        assert_eq!(result, Err(because(Reason::Because("the sibling said so"))));
        assert_eq!(log.take(), ["3 cancels", "dropped", "left"]);
    });
}

#[test]
fn code_cancels_the_scope_it_is_in_from_deep_below() {
    run_virtual(async {
        let log = &Log::new();
        let result = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    nursery(async |n| {
                        n.spawn(async {
                            move_on_after(secs(100), async {
                                sleep(secs(1)).await;
                                scope.cancel();
                                assert!(is_cancelled() && scope.is_cancelled());
                                log.add("goes on to its next suspension");
                                checkpoint().await;
                                log.add("but no further");
                            })
                            .await;
                            Ok(())
                        });
                        Ok::<_, ()>(())
                    })
                    .await
                });
                forever::<Result<(), ()>>().await
            })
            .await
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Requested)), secs(1)));
        assert_eq!(log.take(), ["goes on to its next suspension"]);
    });
}

#[test]
fn a_child_cancels_itself_through_its_own_handle() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            let own = std::rc::Rc::new(Mailbox::<giambio_core::Task<'_, ()>>::new());
            let inside = own.clone();
            let outside = std::rc::Rc::new(Mailbox::new());
            let hand_back = outside.clone();
            own.send(n.spawn_value(async move {
                let task = inside.receive().await;
                task.cancel();
                hand_back.send(task);
                log.add("runs on");
                checkpoint().await;
                log.add("never");
                Ok(())
            }));
            let task = outside.receive().await;
            assert_eq!(task.await, Err(because(Reason::Requested)));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["runs on"]);
    });
}

#[test]
fn a_child_cancels_its_nursery() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async {
                    let _object = live.object();
                    forever().await
                });
            }
            n.spawn(async {
                sleep(secs(1)).await;
                n.cancel();
                n.cancel();
                assert!(n.is_cancelled() && is_cancelled());
                checkpoint().await;
                unreachable!("a cancelled child stops at its next suspension")
            });
            forever::<Result<(), Cancelled>>().await
        })
        .await;
        assert_eq!((result, live.left(), now()), (Err(because(Reason::Requested)), 0, secs(1)));
    });
}

#[test]
fn a_child_that_cancels_its_nursery_in_its_first_poll_is_cancelled_too() {
    run_virtual(async {
        let result: Result<(), Cancelled> = nursery(async |n| {
            n.spawn(async {
                n.cancel();
                forever().await
            });
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Requested)), secs(0)));
    });
}

#[test]
fn a_nursery_cancelled_by_its_own_body_is_left_at_the_bodys_next_suspension() {
    run_virtual(async {
        let result = nursery(async |n| {
            n.spawn(forever());
            n.cancel();
            checkpoint().await;
            unreachable!();
            #[allow(unreachable_code)]
            Ok::<(), Cancelled>(())
        })
        .await;
        assert_eq!(result, Err(because(Reason::Requested)));
    });
}

#[test]
fn cancel_children_leaves_the_body_alone() {
    run_virtual(async {
        let live = &Live::new();
        let value = nursery(async |n| {
            let mut tasks = Vec::new();
            for _ in 0..10 {
                tasks.push(n.spawn(async {
                    let _object = live.object();
                    forever().await
                }));
            }
            sleep(secs(1)).await;
            assert_eq!(live.left(), 10);
            n.cancel_children();
            for task in tasks {
                assert_eq!(task.await, Err(because(Reason::Requested)));
            }
            assert_eq!((live.left(), n.live(), n.is_cancelled()), (0, 0, false));
            // And the nursery is as good as before.
            let task = n.spawn_value(async { Ok(sleep(secs(1)).await) });
            assert_eq!(task.await, Ok(()));
            Ok::<_, ()>(7)
        })
        .await;
        assert_eq!((value, now()), (Ok(7), secs(2)));
    });
}

#[test]
fn cancel_children_spares_those_that_come_later() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.spawn(forever());
            checkpoint().await;
            n.cancel_children();
            n.spawn(async {
                sleep(secs(1)).await;
                log.at("the newcomer ends");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 the newcomer ends"]);
    });
}

#[test]
fn cancel_children_by_a_child_cancels_that_child_too() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.spawn(forever());
            n.spawn(async {
                n.cancel_children();
                log.add("one of the children");
                checkpoint().await;
                log.add("never");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["one of the children"]);
    });
}

#[cfg(feature = "std")]
#[test]
fn another_thread_cancels() {
    // The thread sets a flag and wakes; a child that waits for the flag cancels the scope.
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Poll;

    let flag = Arc::new(AtomicBool::new(false));
    let (send_waker, wakers) = std::sync::mpsc::channel::<std::task::Waker>();
    let thread = std::thread::spawn({
        let flag = flag.clone();
        move || {
            let waker = wakers.recv().unwrap();
            flag.store(true, Ordering::SeqCst);
            waker.wake();
        }
    });
    let main = cancel_scope(async |scope| {
        nursery(async |n| {
            n.spawn(async {
                std::future::poll_fn(|cx| {
                    if flag.load(Ordering::SeqCst) {
                        return Poll::Ready(());
                    }
                    send_waker.send(cx.waker().clone()).unwrap();
                    Poll::Pending
                })
                .await;
                scope.cancel_because("another thread asked");
                Ok(())
            });
            forever::<Result<(), ()>>().await
        })
        .await
    });
    let notify = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let clock: giambio_core::VirtualClock = giambio_core::VirtualClock::new();
    let runtime = std::pin::pin!(giambio_core::Runtime::new(&clock, main).with_notify(notify));
    let result = runtime.run(&mut |until| {
        if until == giambio_core::Until::OnWake {
            std::thread::park();
        }
    });
    assert_eq!(result, Err(because(Reason::Because("another thread asked"))));
    thread.join().unwrap();

    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
}

#[test]
fn an_interruption_has_its_own_reason() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.interrupt();
            checkpoint().await;
        })
        .await;
        assert_eq!(result, Err(because(Reason::Interrupted)));
    });
}

#[test]
fn a_canceller_goes_where_its_scope_is() {
    async fn watchdog(scope: CancelScope<'_, '_>, event: &Event) {
        event.wait().await;
        scope.cancel();
    }
    run_virtual(async {
        let event = Event::new();
        let result = cancel_scope(async |scope| {
            let copy = scope;
            futures::join!(watchdog(copy, &event), async {
                sleep(secs(1)).await;
                event.set();
                forever::<()>().await
            });
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Requested)), secs(1)));
    });
}
