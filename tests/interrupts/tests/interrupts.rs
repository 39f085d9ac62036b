//! An interrupt at the end of each critical section in turn, and, with `--cfg giambio_interrupts`, before and after each look
//! at what a wake changes: no wake may be lost. The interrupt wakes, and no more.
#![cfg(not(feature = "clock"))]
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

use giambio_core::channel::{Channel, Pipe, Rendezvous};
use giambio_core::sync::{Condition, Event, Permit, Semaphore, Shared, Watch};
use giambio_core::*;

struct Cs;
critical_section::set_impl!(Cs);
thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static FIRED: Cell<bool> = const { Cell::new(false) };
    static WAKER: RefCell<Option<Waker>> = const { RefCell::new(None) };
    static POLLING_USER: Cell<bool> = const { Cell::new(false) };
}
// SAFETY: the only interrupt is the one below, which comes on the same thread, and only when the outermost section has
// ended; and one test runs at a time (ONE_AT_A_TIME). So inside a section nobody else runs.
unsafe impl critical_section::Impl for Cs {
    unsafe fn acquire() -> u8 {
        DEPTH.set(DEPTH.get() + 1);
        0
    }
    unsafe fn release(_: u8) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 && !POLLING_USER.get() && LEFT.get() > 0 {
            LEFT.set(LEFT.get() - 1);
            if LEFT.get() == 0 {
                interrupt();
            }
        }
    }
}

fn interrupt() {
    FIRED.set(true);
    let waker = WAKER.with(|waker| waker.borrow().clone());
    if let Some(waker) = waker {
        waker.wake();
    }
    EVENT.set();
    let _ = CHANNEL.try_send(1); // full: the value of the interrupt before is still there
    let _ = FULL.try_receive(); // empty: the interrupt before has emptied it
    let _ = PIPE.try_send(&[1]);
    let _ = FULL_PIPE.try_receive(&mut [0]);
    HANDED_OVER.set(COUNTER.try_send(1).is_ok()); // not where nobody waits yet
    TAKEN.set(OFFERS.try_receive().is_ok()); // as above
    drop(HELD.take());
    WATCH.set(true);
    CONDITION.notify_all();
}

#[cfg(feature = "one-context")]
mod promise {
    struct Tests;

    // SAFETY: one test runs at a time (ONE_AT_A_TIME), and `interrupt` polls nothing.
    unsafe impl giambio_core::OneContext for Tests {}

    giambio_core::one_context!(Tests);
}

static EVENT: Event<Shared> = Event::shared();
static CHANNEL: Channel<u32, 1, Shared> = Channel::shared();
/// Full until an interrupt comes.
static FULL: Channel<u32, 1, Shared> = Channel::shared();
static PIPE: Pipe<2, Shared> = Pipe::shared();
/// Full until an interrupt comes.
static FULL_PIPE: Pipe<1, Shared> = Pipe::shared();
static COUNTER: Rendezvous<u32, Shared> = Rendezvous::shared();
static OFFERS: Rendezvous<u32, Shared> = Rendezvous::shared();
static PERMITS: Semaphore<Shared> = Semaphore::shared(1);
static WATCH: Watch<bool, Shared> = Watch::shared(false);
static CONDITION: Condition<Shared> = Condition::shared();
thread_local! {
    static HANDED_OVER: Cell<bool> = const { Cell::new(false) };
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}
thread_local!(static HELD: Cell<Option<Permit<'static, Shared>>> = const { Cell::new(None) });

async fn wait_for_interrupt() {
    poll_fn(|cx| {
        POLLING_USER.set(true);
        WAKER.with(|waker| *waker.borrow_mut() = Some(cx.waker().clone()));
        let fired = FIRED.get();
        POLLING_USER.set(false);
        if fired { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// All threads would share one runtime state, and this critical section keeps none of them out.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn lost(main: impl Future<Output = ()>, at: u64) -> Option<bool> {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    FIRED.set(false);
    WAKER.with(|waker| waker.borrow_mut().take());
    EVENT.clear();
    CHANNEL.drain().for_each(drop);
    let _ = FULL.try_send(0);
    let _ = PIPE.try_receive(&mut [0; 2]);
    let _ = FULL_PIPE.try_send(&[0]);
    HELD.set(PERMITS.try_acquire(1).ok());
    WATCH.set(false);
    LEFT.set(at);
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, main));
    for _ in 0..1000 {
        match runtime.as_mut().turn() {
            Next::Finished(()) => {
                let beyond = LEFT.get() > 0;
                LEFT.set(0);
                return if beyond { None } else { Some(false) };
            }
            Next::Wait(Until::OnWake) if !runtime.is_ready() => {
                if FIRED.get() {
                    // It may have come at the end of the look itself, which a real loop takes with interrupts masked.
                    if runtime.is_ready() {
                        continue;
                    }
                    LEFT.set(0);
                    return Some(true);
                }
                // Idle: the interrupt comes now at the latest.
                let beyond = LEFT.get() > 0;
                LEFT.set(0);
                interrupt();
                if beyond {
                    return None;
                }
            }
            _ => {}
        }
    }
    panic!("no end");
}

fn try_all<F: Future<Output = ()>>(what: &str, main: impl Fn() -> F) {
    let mut all_lost = vec![];
    for at in 1.. {
        match lost(main(), at) {
            None => break,
            Some(true) => all_lost.push(at),
            Some(false) => {}
        }
    }
    assert!(all_lost.is_empty(), "{what}: the wake was lost with an interrupt after critical section {all_lost:?}");
}

static A: Arena<4, 8192> = Arena::new();
static B: Arena<4, 8192> = Arena::new();

#[test]
fn a_wake_by_an_interrupt_reaches_a_child_whenever_it_comes() {
    try_all("one child", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                wait_for_interrupt().await;
                Ok(())
            })
            .await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_wake_by_an_interrupt_reaches_a_body_whenever_it_comes() {
    try_all("body", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                checkpoint().await;
                Ok(())
            })
            .await;
            wait_for_interrupt().await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_wake_by_an_interrupt_reaches_a_grandchild_whenever_it_comes() {
    try_all("grandchild", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                nursery_in(&B, async |n| {
                    n.spawn_wait(async {
                        wait_for_interrupt().await;
                        Ok(())
                    })
                    .await;
                    Ok(())
                })
                .await
            })
            .await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_wake_by_an_interrupt_is_not_lost_in_scopes_shields_and_handles() {
    use core::time::Duration;
    try_all("scopes", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            let handle = n
                .child()
                .spawn_value_wait(async {
                    let _ = cancel_scope(async |_| {
                        shield(async {
                            nursery_in(&B, async |n| {
                                n.spawn_wait(finally(
                                    async {
                                        wait_for_interrupt().await;
                                        Ok(())
                                    },
                                    async || checkpoint().await,
                                ))
                                .await;
                                n.spawn_wait(async {
                                    checkpoint().await;
                                    Ok(())
                                })
                                .await;
                                n.spawn_wait(async {
                                    checkpoint().await;
                                    Ok(())
                                })
                                .await;
                                n.spawn_wait(async {
                                    checkpoint().await;
                                    Ok(())
                                })
                                .await;
                                n.spawn_wait(async {
                                    checkpoint().await;
                                    Ok::<(), ()>(())
                                })
                                .await;
                                Ok(())
                            })
                            .await
                        })
                        .await
                    })
                    .await;
                    Ok(7)
                })
                .await;
            assert_eq!(handle.await, Ok(7));
            let _ = Duration::ZERO;
            Ok(())
        })
        .await;
    });
}

/// Polls with a waker of its own, as `FuturesUnordered` does.
struct Foreign<F>(std::pin::Pin<Box<F>>);
struct Fwd(Waker, std::sync::Arc<std::sync::atomic::AtomicBool>);
impl std::task::Wake for Fwd {
    fn wake(self: std::sync::Arc<Self>) {
        self.1.store(true, std::sync::atomic::Ordering::SeqCst);
        self.0.wake_by_ref();
    }
}
impl<F: Future> Future for Foreign<F> {
    type Output = F::Output;
    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<F::Output> {
        let flag = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let waker = Waker::from(std::sync::Arc::new(Fwd(cx.waker().clone(), flag)));
        self.0.as_mut().poll(&mut std::task::Context::from_waker(&waker))
    }
}

#[test]
fn a_wake_by_an_interrupt_is_not_lost_through_a_foreign_waker() {
    try_all("foreign", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                Foreign(Box::pin(nursery_in(&B, async |n| {
                    n.spawn_wait(async {
                        wait_for_interrupt().await;
                        Ok::<(), ()>(())
                    })
                    .await;
                    n.spawn_wait(async {
                        checkpoint().await;
                        Ok(())
                    })
                    .await;
                    checkpoint().await;
                    Ok(())
                })))
                .await
            })
            .await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn an_event_set_by_an_interrupt_reaches_all_who_wait_whenever_it_comes() {
    try_all("event", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            // Leaves the line, before the event or after it: the others do not notice.
            n.spawn_wait(async {
                let _ = cancel_scope(async |scope| {
                    let mut waits = pin!(EVENT.wait_and_clear());
                    poll_fn(|cx| {
                        scope.cancel();
                        waits.as_mut().poll(cx)
                    })
                    .await;
                    EVENT.set();
                })
                .await;
                Ok(())
            })
            .await;
            n.spawn_wait(async {
                EVENT.wait().await;
                Ok(())
            })
            .await;
            EVENT.wait().await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_value_sent_by_an_interrupt_is_taken_whenever_it_comes_and_whoever_leaves_the_line() {
    try_all("channel", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            // First in line, and cancelled: what it was promised goes to the next.
            n.spawn_wait(async {
                let value = cancel_scope(async |scope| {
                    let mut receives = pin!(CHANNEL.receive());
                    poll_fn(|cx| {
                        let value = receives.as_mut().poll(cx);
                        if value.is_pending() {
                            scope.cancel();
                        }
                        value
                    })
                    .await
                })
                .await;
                if let Ok(Ok(value)) = value {
                    let _ = CHANNEL.try_send(value);
                }
                Ok(())
            })
            .await;
            n.spawn_wait(async {
                assert_eq!(CHANNEL.receive().await, Ok(1));
                Ok(())
            })
            .await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_place_freed_by_an_interrupt_is_taken_whenever_it_comes_and_whoever_leaves_the_line() {
    try_all("place", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            // First in line, and cancelled: the place that it was promised goes to the next.
            n.spawn_wait(async {
                let sent = cancel_scope(async |scope| {
                    let mut sends = pin!(FULL.send(1));
                    poll_fn(|cx| {
                        let sent = sends.as_mut().poll(cx);
                        if sent.is_pending() {
                            scope.cancel();
                        }
                        sent
                    })
                    .await
                })
                .await;
                if let Ok(Ok(())) = sent {
                    assert!(FULL.try_receive().is_ok());
                }
                Ok(())
            })
            .await;
            n.spawn_wait(async {
                assert_eq!(FULL.send(2).await, Ok(()));
                Ok(())
            })
            .await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn bytes_that_an_interrupt_moves_wake_who_waits_whenever_it_comes_and_whoever_leaves_the_line() {
    try_all("bytes", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            // First in line, and cancelled: what it was promised goes to the next.
            n.spawn_wait(async {
                let mut byte = [0];
                let received = cancel_scope(async |scope| {
                    let mut receives = pin!(PIPE.receive(&mut byte));
                    poll_fn(|cx| {
                        let count = receives.as_mut().poll(cx);
                        if count.is_pending() {
                            scope.cancel();
                        }
                        count
                    })
                    .await
                })
                .await;
                if received.is_ok() {
                    assert_eq!(PIPE.try_send(&byte), Ok(1));
                }
                Ok(())
            })
            .await;
            n.spawn_wait(async {
                let mut byte = [0];
                assert_eq!(PIPE.receive_exact(&mut byte).await, Ok(()));
                assert_eq!(byte, [1]);
                Ok(())
            })
            .await;
            Ok(())
        })
        .await;
    });
    try_all("room for bytes", || async {
        assert_eq!(FULL_PIPE.send_all(&[7]).await, Ok(()));
        assert_eq!(FULL_PIPE.try_receive(&mut [0; 2]), Some(1));
    });
}

#[test]
fn an_interrupt_hands_a_value_over_or_takes_it_or_neither_whenever_it_comes() {
    try_all("handed over", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                assert_eq!(COUNTER.receive().await, Ok(1));
                Ok(())
            })
            .await;
            EVENT.wait().await;
            if !HANDED_OVER.get() {
                assert_eq!(COUNTER.send(1).await, Ok(()));
            }
            Ok(())
        })
        .await;
    });
    try_all("taken", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                assert_eq!(OFFERS.send(1).await, Ok(()));
                Ok(())
            })
            .await;
            EVENT.wait().await;
            if !TAKEN.get() {
                assert_eq!(OFFERS.receive().await, Ok(1));
            }
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_permit_given_back_by_an_interrupt_is_taken_whenever_it_comes_and_whoever_leaves_the_line() {
    try_all("semaphore", || async {
        let _: Result<(), ()> = nursery_in(&A, async |n| {
            // First in line, and cancelled.
            n.spawn_wait(async {
                let _ = cancel_scope(async |scope| {
                    let mut permit = pin!(PERMITS.acquire(1));
                    poll_fn(|cx| {
                        let permit = permit.as_mut().poll(cx);
                        if permit.is_pending() {
                            scope.cancel();
                        }
                        permit
                    })
                    .await
                })
                .await;
                Ok(())
            })
            .await;
            n.spawn_wait(async {
                drop(PERMITS.acquire(1).await);
                Ok(())
            })
            .await;
            Ok(())
        })
        .await;
    });
}

#[test]
fn what_an_interrupt_changes_is_seen_by_who_looks_whenever_it_comes() {
    try_all("condition", || async {
        CONDITION.wait_for(|| FIRED.get().then_some(())).await;
    });
    try_all("watch", || async {
        WATCH.watcher().wait_for(|is_set| is_set.then_some(())).await;
    });
}

#[test]
fn the_loop_never_goes_to_sleep_after_the_interrupt_that_was_to_wake_it() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    for at in 1.. {
        FIRED.set(false);
        WAKER.with(|waker| waker.borrow_mut().take());
        LEFT.set(at);
        let main = nursery_in(&A, async |n| {
            n.spawn_wait(async {
                wait_for_interrupt().await;
                Ok::<(), ()>(())
            })
            .await;
            Ok(())
        });
        let clock: VirtualClock = VirtualClock::new();
        let result = pin!(Runtime::new(&clock, main)).run_masked(&mut |_| {
            assert!(!FIRED.get(), "asleep after critical section {at}, with nobody left to wake it");
            // It sleeps, and the interrupt comes now at the latest: beyond all critical sections.
            if LEFT.get() > 0 {
                interrupt();
            }
        });
        assert_eq!(result, Ok(()));
        if LEFT.replace(0) > 0 {
            return;
        }
    }
}

#[test]
fn a_program_that_is_one_nursery_never_goes_to_sleep_after_the_interrupt_that_was_to_wake_it() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    // Whom the interrupt wakes: a child, the body, a grandchild.
    for who in 0..3 {
        for at in 1.. {
            FIRED.set(false);
            WAKER.with(|waker| waker.borrow_mut().take());
            LEFT.set(at);
            let clock: VirtualClock = VirtualClock::new();
            let mut wait = |_| {
                assert!(!FIRED.get(), "asleep after critical section {at}, with nobody left to wake {who}");
                if LEFT.get() > 0 {
                    interrupt();
                }
            };
            let result: Result<(), ()> = run_nursery(&clock, &A, &mut wait, async |n| {
                n.spawn_wait(async {
                    match who {
                        0 => wait_for_interrupt().await,
                        1 => {}
                        _ => {
                            nursery_in(&B, async |inner| {
                                let child = async {
                                    wait_for_interrupt().await;
                                    Ok(())
                                };
                                inner.spawn_wait(child).await;
                                Ok(())
                            })
                            .await?;
                        }
                    }
                    Ok(())
                })
                .await;
                if who == 1 {
                    wait_for_interrupt().await;
                }
                Ok(())
            });
            assert_eq!(result, Ok(()));
            if LEFT.replace(0) > 0 {
                break;
            }
        }
    }
}

#[test]
fn a_wake_by_an_interrupt_reaches_the_body_of_a_cancelled_program_of_one_nursery_while_a_shielded_child_is_at_work() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    for at in 1.. {
        FIRED.set(false);
        WAKER.with(|waker| waker.borrow_mut().take());
        LEFT.set(at);
        let is_body_done = Cell::new(false);
        let clock: VirtualClock = VirtualClock::new();
        let mut waits = 0;
        let mut wait = |until| {
            assert!(!FIRED.get() || is_body_done.get(), "asleep after critical section {at}, the body was not polled");
            waits += 1;
            match until {
                // By now the child was ready, and the body not, again and again.
                Until::At(_) if waits == 4 && LEFT.get() > 0 => interrupt(),
                Until::At(tick) => clock.advance_to(tick),
                Until::Now | Until::OnWake => {}
            }
        };
        let result: Result<(), ()> = run_nursery(&clock, &A, &mut wait, async |n| {
            let at_work = shield(async {
                while !is_body_done.get() {
                    sleep(core::time::Duration::from_secs(1)).await;
                }
            });
            n.spawn_wait(async {
                at_work.await;
                Ok(())
            })
            .await;
            n.spawn_wait(async { Err(()) }).await;
            shield(async {
                wait_for_interrupt().await;
                is_body_done.set(true);
            })
            .await;
            Ok(())
        });
        assert_eq!(result, Err(()));
        if LEFT.replace(0) > 0 {
            return;
        }
    }
}
