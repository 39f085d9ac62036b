//! A task that puts a future aside which waits for its turn, and waits for the same by another one. Law NO-FUTURELOCK.
//!
//! A channel with one value in it is a lock: who has taken the value out has it, and puts it back.
#![cfg(feature = "heapless")]

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{Either, join, select};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::common::{Rng, alone, counted, now, run_virtual, secs, settle};
use giambio_core::channel::{Channel, Closed};
use giambio_core::sync::{Access, Mutex, Semaphore};
use giambio_core::{Arena, Next, Runtime, Until, VirtualClock, checkpoint, nursery_in, sleep};

type Lock = Channel<(), 1>;

/// Has the lock for a while.
async fn work<K: Access>(lock: &Channel<(), 1, K>, span: Duration) {
    lock.receive().await.unwrap();
    sleep(span).await;
    lock.try_send(()).unwrap();
}

#[test]
fn a_lock_that_is_granted_to_a_future_put_aside_goes_to_the_one_that_its_task_awaits() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let lock = &Lock::new();
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let holder = async move {
                sleep(secs(5)).await;
                lock.try_send(()).unwrap();
                Ok::<_, Infallible>(())
            };
            n.spawn_wait(holder).await;
            let mut first = pin!(work(lock, secs(1)));
            assert!(matches!(select(&mut first, pin!(sleep(secs(1)))).await, Either::Right(_)));
            work(lock, secs(1)).await;
            assert_eq!(now(), secs(6));
            // It has not lost its turn for good.
            first.await;
            assert_eq!((now(), lock.len()), (secs(7), 1));
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_set_of_futures_is_put_aside_where_its_owner_waits_for_what_they_wait_for() {
    run_virtual(async {
        let lock = &Lock::new();
        lock.try_send(()).unwrap();
        let mut set: FuturesUnordered<_> = (0..3).map(|_| work(lock, secs(1))).collect();
        let mut ended = 0;
        while set.next().await.is_some() {
            ended += 1;
            work(lock, secs(1)).await;
        }
        assert_eq!((ended, now()), (3, secs(6)));
    });
}

#[test]
fn a_mutex_goes_to_the_one_that_its_task_awaits() {
    static ARENA: Arena<1, 1024> = Arena::new();
    run_virtual(async {
        let mutex = &Mutex::new(0);
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let holder = async move {
                let guard = mutex.lock().await;
                sleep(secs(5)).await;
                drop(guard);
                Ok::<_, Infallible>(())
            };
            _ = n.try_spawn(holder).unwrap();
            checkpoint().await;
            let mut first = pin!(mutex.lock());
            assert!(matches!(select(&mut first, pin!(sleep(secs(1)))).await, Either::Right(_)));
            *mutex.lock().await += 1;
            assert_eq!(now(), secs(5));
            *first.await += 1;
            assert_eq!(*mutex.lock().await, 2);
            Ok(())
        })
        .await;
    });
}

#[test]
fn permits_go_to_the_one_that_its_task_awaits_as_many_as_it_asks_for() {
    // So many are there when the first one's turn has come; so many does the second ask for.
    for (asked, then) in [(2, 1), (2, 2), (2, 3)] {
        run_virtual(async {
            let permits = &Semaphore::new(3);
            let held = permits.try_acquire(3).unwrap();
            let mut first = pin!(permits.acquire(asked));
            assert!(matches!(select(&mut first, pin!(checkpoint())).await, Either::Right(_)));
            let mut held = Some(held);
            let gives = async {
                sleep(secs(1)).await;
                drop(held.as_mut().unwrap().split(asked));
                sleep(secs(1)).await;
                held = None;
            };
            let takes = async {
                let second = permits.acquire(then).await.unwrap();
                (second.count(), now())
            };
            let (_, got) = join(gives, takes).await;
            assert_eq!(got, (then, secs(if then > asked { 2 } else { 1 })));
            assert_eq!(first.await.unwrap().count(), asked);
            assert_eq!(permits.free(), 3);
        });
    }
}

#[test]
fn room_in_an_arena_goes_to_who_waits_for_it_still() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let nap = async || Ok::<_, Infallible>(sleep(secs(2)).await);
            n.spawn_wait(nap()).await;
            let mut first = pin!(n.spawn_wait(nap()));
            assert!(matches!(select(&mut first, pin!(sleep(secs(1)))).await, Either::Right(_)));
            n.spawn_wait(nap()).await;
            assert_eq!(now(), secs(2));
            first.await;
            assert_eq!((now(), ARENA.used()), (secs(4), 1));
            Ok(())
        })
        .await;
    });
}

#[test]
fn who_came_first_has_its_turn_though_it_is_polled_last() {
    run_virtual(async {
        let channel = &Channel::<_, 2>::new();
        let (mut first, mut second) = (pin!(channel.receive()), pin!(channel.receive()));
        poll_fn(|cx| {
            assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        channel.try_send('a').unwrap();
        let push = async {
            sleep(secs(1)).await;
            channel.try_send('b').unwrap();
        };
        assert_eq!(join(join(second, first), push).await, ((Ok('b'), Ok('a')), ()));
    });
}

#[test]
fn who_was_passed_over_is_before_those_of_other_tasks() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let (channel, other) = (&Channel::<_, 4>::new(), &Cell::new(None));
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let mut first = pin!(channel.receive());
            assert!(matches!(select(&mut first, pin!(checkpoint())).await, Either::Right(_)));
            n.spawn_wait(async move { Ok::<_, Infallible>(other.set(Some(channel.receive().await.unwrap()))) }).await;
            checkpoint().await;
            let mut second = pin!(channel.receive());
            assert!(matches!(select(&mut second, pin!(checkpoint())).await, Either::Right(_)));
            channel.try_send('a').unwrap();
            assert_eq!(second.await, Ok('a'));
            channel.try_send('b').unwrap();
            checkpoint().await;
            assert_eq!(other.get(), None, "it came later");
            assert_eq!(first.await, Ok('b'));
            channel.try_send('c').unwrap();
            checkpoint().await;
            assert_eq!(other.get(), Some('c'));
            Ok(())
        })
        .await;
    });
}

#[test]
fn another_tasks_turn_is_not_taken() {
    static ARENA: Arena<2, 512> = Arena::new();
    run_virtual(async {
        let lock = &Lock::new();
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let aside = async move {
                let mut first = pin!(lock.receive());
                assert!(matches!(select(&mut first, pin!(sleep(secs(9)))).await, Either::Left(_)));
                Ok::<_, Infallible>(())
            };
            n.spawn_wait(aside).await;
            checkpoint().await;
            lock.try_send(()).unwrap();
            // Its turn has come, and it was not polled yet.
            let mut late = pin!(lock.receive());
            assert!(matches!(select(&mut late, pin!(checkpoint())).await, Either::Right(_)));
            assert!(matches!(select(&mut late, pin!(sleep(secs(1)))).await, Either::Right(_)));
            assert!(lock.is_empty());
            Ok(())
        })
        .await;
    });
}

#[test]
fn to_look_for_what_was_passed_over_takes_three_polls_and_then_all_is_idle() {
    let _alone = alone();
    let (clock, lock, polls) = (VirtualClock::<1000>::new(), Lock::new(), Cell::new(0));
    let mut runtime = pin!(Runtime::new(
        &clock,
        counted(&polls, async {
            let mut first = pin!(lock.receive());
            assert!(matches!(select(&mut first, pin!(checkpoint())).await, Either::Right(_)));
            lock.receive().await.unwrap();
            lock.receive().await.unwrap();
        })
    ));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    polls.set(0);
    lock.try_send(()).unwrap();
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    assert_eq!(polls.replace(0), 3);
    // Again, with one in line that was passed over once already.
    lock.try_send(()).unwrap();
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
    assert_eq!(polls.get(), 3);
}

#[cfg(feature = "std")]
#[test]
fn a_lock_that_another_thread_gives_back_is_taken_over_too() {
    static LOCK: Channel<(), 1, giambio_core::sync::Shared> = Channel::shared();
    for _ in 0..20 {
        std::thread::scope(|scope| {
            let (sender, waits) = std::sync::mpsc::channel();
            scope.spawn(move || {
                waits.recv().unwrap();
                LOCK.try_send(()).unwrap();
            });
            let main = async {
                let mut first = pin!(LOCK.receive());
                assert!(matches!(select(&mut first, pin!(checkpoint())).await, Either::Right(_)));
                sender.send(()).unwrap();
                LOCK.receive().await.unwrap();
            };
            let thread = std::thread::current();
            let clock = VirtualClock::<1000>::new();
            let notifier = std::task::Waker::from(std::sync::Arc::new(Unpark(thread)));
            pin!(Runtime::new(&clock, main).with_notify(notifier)).run(&mut |_| std::thread::park());
        });
    }
}

#[cfg(feature = "std")]
struct Unpark(std::thread::Thread);

#[cfg(feature = "std")]
impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// Whoever polls its futures as it likes gets each value once and in order, and hangs at none as long as it awaits one of them.
#[test]
fn a_task_that_polls_at_random_what_waits_gets_every_value() {
    type Pop<'a> = Pin<Box<dyn Future<Output = Result<u32, Closed>> + 'a>>;
    for seed in 0..500 {
        let random = &std::cell::RefCell::new(Rng(seed));
        let channel = &Channel::<u32, 8>::new();
        let below = |end: u64| random.borrow_mut().below(end) as usize;
        let (pushed, got) = (&Cell::new(0), &std::cell::RefCell::new(Vec::new()));
        run_virtual(async {
            let mut pops: Vec<Pop<'_>> = Vec::new();
            let one_poll = |pops: &mut Vec<Pop<'_>>, at: usize, cx: &mut Context<'_>| {
                if let Poll::Ready(value) = pops[at].as_mut().poll(cx) {
                    got.borrow_mut().push(value.unwrap());
                    drop(pops.swap_remove(at));
                }
            };
            for _ in 0..40 {
                if below(3) == 0 && channel.try_send(pushed.get()).is_ok() {
                    pushed.set(pushed.get() + 1);
                }
                if pops.len() < 4 {
                    pops.push(Box::pin(channel.receive()));
                }
                poll_fn(|cx| {
                    for _ in 0..below(4) {
                        let at = below(pops.len().max(1) as u64);
                        if at < pops.len() {
                            one_poll(&mut pops, at, cx);
                        }
                    }
                    Poll::Ready(())
                })
                .await;
                if below(4) == 0 && !pops.is_empty() {
                    let at = below(pops.len() as u64);
                    drop(pops.swap_remove(at));
                }
                checkpoint().await;
            }
            // From now on it awaits new ones only.
            while got.borrow().len() < pushed.get() as usize {
                let value = channel.receive().await.unwrap();
                got.borrow_mut().push(value);
            }
            assert!(channel.is_empty());
        });
        let mut values = got.take();
        assert_eq!(values.len(), pushed.get() as usize, "seed {seed}");
        values.sort_unstable();
        assert!(values.iter().copied().eq(0..pushed.get()), "seed {seed}: {values:?}");
    }
}

/// The second of two that look for it in one poll, by a waker of its own, comes again when the first is given up.
#[test]
fn several_that_look_for_what_was_put_aside_look_again() {
    run_virtual(async {
        let lock = Mutex::<()>::new(());
        let guard = lock.try_lock().unwrap();
        let mut aside = pin!(lock.lock());
        assert!(crate::common::poll_once(aside.as_mut()).await.is_pending());
        drop(guard);
        let mut given_up = Some(Box::pin(lock.lock()));
        let mut set: FuturesUnordered<_> = std::iter::once(lock.lock()).collect();
        poll_fn(|cx| {
            if let Some(first) = &mut given_up {
                assert!(first.as_mut().poll(cx).is_pending());
            }
            let next = pin!(set.next()).poll(cx).map(drop);
            given_up = None;
            next
        })
        .await;
    });
}

/// Of several that are polled in turn, one in each poll, the first that finds it passed over has it; and so has one that is
/// polled once, and then given up for a new one.
#[test]
fn what_was_passed_over_is_had_in_the_poll_that_finds_it_so() {
    run_virtual(async {
        let lock = Lock::new();
        let mut aside = pin!(lock.receive());
        assert!(crate::common::poll_once(aside.as_mut()).await.is_pending());
        lock.try_send(()).unwrap();
        let mut others: Vec<_> = (0..8).map(|_| Box::pin(lock.receive())).collect();
        let mut polls = 0;
        while !crate::common::poll_once(others[polls % 8].as_mut()).await.is_ready() {
            polls += 1;
            checkpoint().await;
        }
        assert_eq!(polls, 2);
        drop(others);

        lock.try_send(()).unwrap();
        let mut rounds = 0;
        while matches!(select(pin!(checkpoint()), pin!(lock.receive())).await, Either::Left(_)) {
            rounds += 1;
            assert!(rounds < 10);
        }
    });
}

/// Each of many in a set has it, one after the other, though they are polled by turns in many polls of their task.
#[test]
fn a_set_in_which_all_want_what_was_granted_to_the_first_comes_to_its_end() {
    for more in 1..20 {
        run_virtual(async {
            let lock = Mutex::<u32>::new(0);
            let guard = lock.try_lock().unwrap();
            let work = async || {
                let guard = lock.lock().await;
                checkpoint().await;
                drop(guard);
            };
            let mut set: FuturesUnordered<_> = std::iter::once(work()).collect();
            assert!(crate::common::poll_once(pin!(set.next())).await.is_pending());
            set.extend((0..more).map(|_| work()));
            drop(guard);
            let mut ended = 0;
            while set.next().await.is_some() {
                ended += 1;
            }
            assert_eq!(ended, more + 1);
        });
    }
}

/// Those in a set are polled when they are woken, and not with their task. They get what was granted to one that was put aside,
/// whether that was before they came or while they waited.
#[cfg(feature = "std")]
#[test]
fn what_is_granted_to_a_future_put_aside_goes_to_those_in_a_set() {
    for (count, waits) in (1..20).chain([40]).flat_map(|count| [(count, true), (count, false)]) {
        run_virtual(async {
            let lock = Mutex::<u32>::new(0);
            let guard = lock.try_lock().unwrap();
            let mut aside = [const { None }; 2];
            for aside in &mut aside[..if waits { 2 } else { 1 }] {
                let aside = aside.insert(Box::pin(lock.lock()));
                assert!(crate::common::poll_once(aside.as_mut()).await.is_pending());
            }
            let work = async || {
                let guard = lock.lock().await;
                checkpoint().await;
                drop(guard);
            };
            let mut set: FuturesUnordered<_> = (0..count).map(|_| work()).collect();
            for _ in 0..if waits { count } else { 0 } {
                assert!(crate::common::poll_once(pin!(set.next())).await.is_pending());
                checkpoint().await;
            }
            drop(guard);
            let mut ended = 0;
            while set.next().await.is_some() {
                ended += 1;
            }
            assert_eq!(ended, count);
        });
    }
}

/// One in a set was woken for another one's sake, and its set is put aside: what is granted to it then goes to the one that is
/// awaited.
#[test]
fn who_was_woken_in_a_set_that_is_put_aside_keeps_nothing_from_others() {
    run_virtual(async {
        let channel = Channel::<u32, 4>::new();
        let mut first = pin!(channel.receive());
        assert!(crate::common::poll_once(first.as_mut()).await.is_pending());
        let mut set: FuturesUnordered<_> = std::iter::once(channel.receive()).collect();
        assert!(crate::common::poll_once(pin!(set.next())).await.is_pending());
        let mut second = pin!(channel.receive());
        assert!(crate::common::poll_once(second.as_mut()).await.is_pending());
        channel.try_send(1).unwrap();
        assert_eq!(first.await, Ok(1));
        let sends = async {
            sleep(secs(1)).await;
            channel.try_send(2).unwrap();
        };
        assert_eq!(join(second, sends).await.0, Ok(2));
    });
}

/// What was granted between a look and the moment at which the waker is kept, as by another thread, leaves a waker of somebody
/// else with who was granted it. Its destructor may use the lock.
#[test]
fn the_waker_of_who_is_passed_over_is_dropped_outside_of_the_lock() {
    use std::cell::RefCell;
    use std::task::{RawWaker, RawWakerVTable, Waker};

    use giambio_core::sync::{MutexGuard, Shared};

    static LOCK: Mutex<u32, Shared> = Mutex::shared(0);
    thread_local! {
        static HELD: RefCell<Option<MutexGuard<'static, u32, Shared>>> = const { RefCell::new(None) };
        static LOOKS: Cell<u32> = const { Cell::new(0) };
    }
    /// A number; its clone lets go of the lock, and the clone's destructor looks at it.
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |_| {
            drop(HELD.take());
            RawWaker::new(std::ptr::without_provenance(1), &TABLE)
        },
        |_| {},
        |_| {},
        |data| {
            if !data.is_null() {
                let _ = LOCK.try_lock();
                LOOKS.set(LOOKS.get() + 1);
            }
        },
    );
    let looks = crate::common::in_time(|| {
        run_virtual(async {
            HELD.set(LOCK.try_lock());
            // SAFETY: the table's functions never look where the pointer leads to.
            let foreign = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) };
            let mut aside = Box::pin(LOCK.lock());
            assert!(aside.as_mut().poll(&mut Context::from_waker(&foreign)).is_pending());
            drop(LOCK.lock().await);
            drop(aside);
        });
        LOOKS.get()
    });
    assert!(looks > 0);
}
