//! Foreign wakers that panic when they are woken or dropped: nothing may be lost over it. Laws
//! NEVER-REUSED-UNDROPPED, NOTHING-LOST.
#![cfg(feature = "std")]
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use crate::common::*;
use futures::FutureExt;
use giambio_core::{
    Arena, Cancelled, Ready, cancel_scope, checkpoint, finally, finally_for, nursery, nursery_in, shield, sync,
};

thread_local! {
    static WAKE: Cell<bool> = const { Cell::new(false) };
    static DROP: Cell<bool> = const { Cell::new(false) };
}

/// Panics when it is woken or dropped, if it is told to.
fn panicking() -> Waker {
    fn go_off(armed: bool) {
        if armed && !std::thread::panicking() {
            resume_unwind(Box::new("the waker"));
        }
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| RawWaker::new(data, &TABLE),
        |_| go_off(WAKE.get()),
        |_| go_off(WAKE.get()),
        |_| go_off(DROP.get()),
    );
    // SAFETY: it owns nothing, and touches only what its thread has.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

/// A cancelled scope waits for a shield in a nursery that was polled in it. Somebody drops the nursery
/// elsewhere, so the scope may go on; and whoever is to be told of that panics.
#[test]
fn a_nursery_drops_its_children_though_the_waker_of_a_scope_around_it_panics() {
    let (live, wakers) = (&Live::new(), &Wakers::new());
    let inner = RefCell::new(Some(Box::pin(nursery(async |n| {
        for _ in 0..3 {
            n.spawn(async {
                let _object = live.object();
                shield(wakers.wait::<()>()).await;
                Ok::<_, ()>(())
            });
        }
        Ok(())
    }))));
    let mut scope = Box::pin(cancel_scope(async |scope| {
        std::future::poll_fn(|cx| {
            if let Some(inner) = inner.borrow_mut().as_mut() {
                assert!(inner.as_mut().poll(cx).is_pending());
            }
            scope.cancel();
            Poll::<()>::Pending
        })
        .await
    }));
    let waker = panicking();
    // Cancelling calls the waker; the second poll leaves it there again.
    for _ in 0..2 {
        assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(live.left(), 3);

    WAKE.set(true);
    let inner = inner.borrow_mut().take();
    let panic = catch_unwind(AssertUnwindSafe(|| drop(inner)));
    WAKE.set(false);
    assert!(panic.is_err(), "the waker's panic comes out");

    assert_eq!(live.left(), 0, "children of a nursery that was dropped are alive");
    // And if it were otherwise, these would be the names of tasks without a nursery.
    wakers.fire();
    assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

/// Room is granted to one whose old waker panics when it is replaced.
#[test]
fn room_is_not_lost_though_a_waker_panics_when_it_is_dropped() {
    static ARENA: Arena<1, 256> = Arena::new();
    let event = &Event::new();
    let holder = nursery_in(&ARENA, async |n| {
        n.spawn_wait(async {
            event.wait().await;
            Ok::<_, ()>(())
        })
        .await;
        Ok(())
    });
    let mut holder = Box::pin(holder);
    for _ in 0..3 {
        assert!(poll_with_nobody(holder.as_mut()).is_pending());
    }
    assert_eq!(ARENA.used(), 1);
    let waker = std::mem::ManuallyDrop::new(panicking());
    let waiter = nursery_in(&ARENA, async |n| {
        let mut waits = Box::pin(n.spawn_wait(async { Ok::<_, ()>(()) }));
        std::future::poll_fn(|_| {
            let poll = catch_unwind(AssertUnwindSafe(|| waits.as_mut().poll(&mut Context::from_waker(&waker))));
            if matches!(poll, Ok(Poll::Pending)) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        Ok(())
    });
    let mut waiter = Box::pin(waiter);
    assert!(poll_with_nobody(waiter.as_mut()).is_pending());
    event.set();
    while poll_with_nobody(holder.as_mut()).is_pending() {}
    drop(holder);
    assert_eq!(ARENA.used(), 1, "the room is the waiter's now");

    DROP.set(true);
    let _ = poll_with_nobody(waiter.as_mut());
    DROP.set(false);
    drop(waiter);
    assert_eq!(ARENA.used(), 0, "the room is nobody's, and taken");
}

/// Two clean-ups, polled by two executors, have to notice that the scope around them is cancelled; the
/// waker of the first one panics.
#[test]
fn a_cancellation_reaches_all_though_a_waker_on_the_way_panics() {
    let (woken, counting) = Woken::new();
    let (mut first, mut second) =
        (Box::pin(finally(forever::<()>(), async || {})), Box::pin(finally(forever::<()>(), async || {})));
    let waker = panicking();
    let mut scope = Box::pin(cancel_scope(async |scope| {
        let mut polls = 0;
        std::future::poll_fn(|_| {
            polls += 1;
            if polls == 1 {
                assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                assert!(second.as_mut().poll(&mut Context::from_waker(&counting)).is_pending());
            } else {
                WAKE.set(true);
                let panic = catch_unwind(AssertUnwindSafe(|| scope.cancel()));
                WAKE.set(false);
                assert!(panic.is_err(), "the waker's panic comes out");
            }
            Poll::<()>::Pending
        })
        .await
    }));
    for _ in 0..2 {
        assert!(poll_with_nobody(scope.as_mut()).is_pending());
    }
    assert_eq!(woken.take(), 1, "the second clean-up was not told of the cancellation");
}

/// The same, but panics while another panic unwinds too.
fn merciless() -> Waker {
    fn go_off(armed: bool) {
        if armed {
            resume_unwind(Box::new("the waker"));
        }
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| RawWaker::new(data, &TABLE),
        |_| go_off(WAKE.get()),
        |_| go_off(WAKE.get()),
        |_| go_off(DROP.get()),
    );
    // SAFETY: it owns nothing, and touches only what its thread has.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

/// A future that is polled with a waker that panics when it is woken, or dropped, and kept until `f` is over.
fn polled<F: Future>(future: F, waker: &Waker) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    future
}

/// What goes off in there comes out as one panic, and does not end the process.
pub(crate) fn one_panic(armed: &'static std::thread::LocalKey<Cell<bool>>, f: impl FnOnce()) {
    armed.set(true);
    let panic = catch_unwind(AssertUnwindSafe(f));
    armed.set(false);
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"the waker"));
}

/// Two scopes that were cancelled wait for a shield each, in nurseries that both go at once: each tells its scope.
#[test]
fn two_scopes_in_one_drop_whose_wakers_panic_are_one_panic() {
    let wakers = &Wakers::new();
    let inner = RefCell::new(None);
    let waker = merciless();
    let mut scopes = [(); 2].map(|()| {
        Box::pin(cancel_scope(async |scope| {
            let mut own: Option<usize> = None;
            std::future::poll_fn(|cx| {
                let mut inner = inner.borrow_mut();
                let shields: &mut Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>> = inner.get_or_insert_default();
                match own {
                    Some(own) => shields[own].as_mut().poll(cx),
                    None => {
                        own = Some(shields.len());
                        shields.push(polled(shield(wakers.wait::<()>()), cx.waker()));
                        scope.cancel();
                        Poll::<()>::Pending
                    }
                }
            })
            .await
        }))
    });
    for scope in &mut scopes {
        for _ in 0..2 {
            assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    }
    let shields = inner.take();
    one_panic(&WAKE, || drop(shields));
    for scope in &mut scopes {
        assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
}

/// All that keeps a waker for later, twice in one drop: scopes, sleeps, handles, lines, slots.
#[test]
fn wakers_that_panic_when_they_are_dropped_are_one_panic_wherever_they_were_kept() {
    let waker = merciless();
    let twice = |make: &dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>>| {
        let both = (polled(make(), &waker), polled(make(), &waker));
        one_panic(&DROP, || drop(both));
    };
    twice(&|| Box::pin(async { cancel_scope(async |_| forever::<()>().await).await.unwrap() }));
    twice(&|| Box::pin(async { nursery(async |_| forever::<Result<(), ()>>().await).await.unwrap() }));
    twice(&|| Box::pin(shield(forever())));
    static NEVER: sync::Event<sync::Shared> = sync::Event::shared();
    twice(&|| Box::pin(NEVER.wait()));
    let slots = [(); 2].map(|()| {
        let slot = giambio_core::sync::WakerSlot::new();
        slot.register(&waker);
        slot
    });
    one_panic(&DROP, || drop(slots));
    run_virtual(async {
        twice(&|| Box::pin(giambio_core::sleep(secs(1))));
        nursery(async |n| {
            let handles = [(); 2].map(|()| polled(n.spawn(forever::<Result<(), ()>>()), &waker));
            one_panic(&DROP, || drop(handles));
            n.fail(());
            Ok::<(), ()>(())
        })
        .await
        .unwrap_err();
    });
    // What is left of the panicking waker itself.
    drop(waker);
}

/// Of those that wait until nobody else can go on, each is told.
#[test]
fn all_that_wait_until_others_do_are_told_though_the_waker_of_the_first_panics() {
    use giambio_core::testing::wait_all_blocked;
    let (woken, counting) = Woken::new();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        giambio_core::testing::run(async {
            let _first = polled(wait_all_blocked(), &merciless());
            let _second = polled(wait_all_blocked(), &counting);
            WAKE.set(true);
            forever::<()>().await
        })
    }));
    WAKE.set(false);
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"the waker"));
    assert_eq!(woken.take(), 1, "the second was not told");
}

/// The end of a grace is told to the clean-up and to the scope that it holds, though the waker of the first panics.
#[test]
fn the_end_of_a_grace_is_told_to_the_scope_too_though_the_waker_of_the_clean_up_panics() {
    let (woken, counting) = Woken::new();
    let waker = merciless();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            let mut scope = Box::pin(cancel_scope(async |scope| {
                let mut clean_up = Box::pin(finally_for(secs(1), forever::<()>(), async || forever().await));
                std::future::poll_fn(|_| {
                    assert!(clean_up.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                    scope.cancel();
                    Poll::<()>::Pending
                })
                .await
            }));
            for _ in 0..4 {
                assert!(scope.as_mut().poll(&mut Context::from_waker(&counting)).is_pending());
            }
            woken.take();
            WAKE.set(true);
            giambio_core::sleep(secs(2)).await;
        })
    }));
    WAKE.set(false);
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"the waker"));
    assert_eq!(woken.take(), 1, "the scope was not told");
}

/// The awaiters of two children, dropped by one panic, are told by wakers that panic.
#[test]
fn two_children_that_are_dropped_by_a_panic_tell_their_awaiters_by_wakers_that_panic() {
    let waker = merciless();
    let live = &Live::new();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            nursery(async |n| {
                let mut awaiters = Vec::new();
                for _ in 0..2 {
                    let object = live.object();
                    let child = n.spawn(async move {
                        let _object = object;
                        let _bomb = on_drop(|| panic!("a destructor"));
                        forever::<Result<(), ()>>().await
                    });
                    awaiters.push(polled(child, &waker));
                }
                giambio_core::checkpoint().await;
                WAKE.set(true);
                n.cancel_children();
                forever::<Result<(), ()>>().await
            })
            .await
        })
    }));
    WAKE.set(false);
    assert!(panic.is_err());
    assert_eq!(live.left(), 0, "a child is left");
}

/// Cancelling each child of a nursery reaches all of them.
#[test]
fn each_child_is_cancelled_though_the_waker_of_a_clean_up_in_one_of_them_panics() {
    let waker = merciless();
    let kept = &RefCell::new(Vec::new());
    let cancelled = run_virtual(nursery(async |n| {
        let children = [(); 3].map(|()| {
            n.spawn(std::future::poll_fn(|_| {
                // A clean-up that is polled with a waker of its own, which is told of the cancellation.
                kept.borrow_mut().push(polled(finally(forever::<()>(), async || {}), &waker));
                Poll::<Result<(), ()>>::Pending
            }))
        });
        giambio_core::checkpoint().await;
        one_panic(&WAKE, || n.cancel_children());
        let cancelled = children.each_ref().map(|child| child.status() == giambio_core::Status::Cancelling);
        kept.borrow_mut().clear();
        Ok::<_, ()>(cancelled)
    }));
    assert_eq!(cancelled, Ok([true; 3]));
}

/// A payload that panics when it is dropped, if no panic is under way.
struct Payload;
impl Drop for Payload {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::panic_any("the payload")
        }
    }
}

/// Of several panics the first comes out, and nothing is left undone for what the others carry.
#[test]
fn payloads_that_panic_when_they_are_dropped_hide_no_panic_and_keep_no_child() {
    let live = &Live::new();
    for way in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run_virtual(async {
                nursery(async |n| {
                    for i in 0..4 {
                        let object = live.object();
                        n.spawn(async move {
                            let _object = object;
                            let _bomb = on_drop(move || match i {
                                0 => std::panic::panic_any("the first"),
                                _ => std::panic::panic_any(Payload),
                            });
                            forever::<Result<(), ()>>().await
                        });
                    }
                    giambio_core::checkpoint().await;
                    match way {
                        0 => n.fail(()),                         // they are dropped as idle ones
                        1 => n.cancel_children(),                // … each in its turn
                        _ => std::panic::panic_any("the first"), // … by a panic of the body
                    }
                    forever::<Result<(), ()>>().await
                })
                .await
            })
        }));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"the first"), "way {way}");
        assert_eq!(live.left(), 0, "a child is left, way {way}");
    }
}

/// A runtime is over for good, though its notifier panics when it is dropped.
#[test]
fn a_runtime_whose_notifier_panics_when_it_is_dropped_is_gone_all_the_same() {
    let (wakers, clock) = (Wakers::new(), giambio_core::VirtualClock::<1>::new());
    let main = wakers.clone();
    let mut runtime =
        Box::pin(giambio_core::Runtime::new(&clock, async move { main.wait::<()>().await }).with_notify(merciless()));
    let _ = runtime.as_mut().turn();
    one_panic(&DROP, || drop(runtime));
    // The root task's waker: it must not lead to what is gone.
    wakers.fire();
}

/// Panics when it is woken, if it is told to, also while another panic is under way: that ends the process if nobody catches
/// it.
struct Relentless;

impl Wake for Relentless {
    fn wake(self: Arc<Self>) {
        if WAKE.get() {
            resume_unwind(Box::new("the waker"));
        }
    }
}

fn relentless() -> Waker {
    Waker::from(Arc::new(Relentless))
}

/// The end of a nursery whose body ends like that, while one child has left such a waker, and the other cleans up.
fn cleans_up_beside(body: impl AsyncFnOnce() -> Result<(), ()>, is_daemon: bool) {
    let log = &Log::new();
    let end = run_limited(async {
        let work = nursery(async |n| {
            let first = async {
                let mut work = pin!(finally(forever::<()>(), async || {}));
                assert!(work.as_mut().poll(&mut Context::from_waker(&relentless())).is_pending());
                forever().await
            };
            let second = finally(forever(), async || {
                WAKE.set(false);
                checkpoint().await;
                log.add("cleaned up");
            });
            if is_daemon {
                n.child().daemon().spawn(first);
                n.child().daemon().spawn(second);
            } else {
                n.spawn(first);
                n.spawn(second);
            }
            checkpoint().await;
            WAKE.set(true);
            body().await
        });
        let end = AssertUnwindSafe(work).catch_unwind().await;
        WAKE.set(false);
        end.is_err()
    });
    assert_eq!((end, log.take()), (Some(true), vec!["cleaned up".to_owned()]));
}

#[test]
fn clean_ups_run_though_a_waker_panics_over_the_bodys_error() {
    cleans_up_beside(async || Err(()), false);
}

#[test]
fn clean_ups_run_though_a_waker_panics_at_the_end_of_daemons() {
    cleans_up_beside(async || Ok(()), true);
}

/// The panic under way comes out, whatever a waker does that its destructors call.
fn comes_through(dropped: impl Sized) {
    WAKE.set(true);
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
        let _dropped = dropped;
        resume_unwind(Box::new("the first"))
    }));
    WAKE.set(false);
    assert_eq!(panic.downcast_ref(), Some(&"the first"));
}

#[cfg(feature = "heapless")]
#[test]
fn a_slot_that_a_panic_drops_tells_a_sender_whose_waker_panics() {
    let channel = giambio_core::channel::Channel::<u32, 1>::new();
    let slot = channel.try_slot().unwrap();
    let mut sender = pin!(channel.send(7));
    assert!(sender.as_mut().poll(&mut Context::from_waker(&relentless())).is_pending());
    comes_through(slot);
}

#[test]
fn who_waits_for_a_child_to_start_and_is_dropped_by_a_panic_cancels_it_though_a_waker_panics() {
    let mut work = Box::pin(nursery(async |n| {
        let start = async |ready: Ready<()>| {
            let _ready = ready;
            forever::<Result<(), Cancelled>>().await
        };
        n.start(start).await
    }));
    let waker = relentless();
    for _ in 0..3 {
        assert!(work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    comes_through(work);
}
