//! Several in one thread: two guests, one inside of another, a guest and the host's own tasks.

use std::rc::Rc;
use std::thread;

use giambio::channel::Growable;
use giambio::sync::Event;
use giambio::{RunError, nursery, sleep, unblock};
use giambio_tokio::{guest, try_guest};
use tokio::task::{LocalSet, spawn_local};

use crate::hosts::{Failure, MS, current_thread, in_each_host, multi_thread};

#[test]
fn two_guests_in_a_thread_wake_each_other() {
    for runtime in [current_thread(), multi_thread()] {
        let local = LocalSet::new();
        let (ping, pong) = (Rc::new(Event::new()), Rc::new(Event::new()));
        let player = |waits: Rc<Event>, sets: Rc<Event>| {
            guest(async move {
                nursery(async |n| {
                    n.spawn(async {
                        for _ in 0..100 {
                            waits.wait().await;
                            waits.clear();
                            sets.set();
                        }
                        Ok::<_, Failure>(())
                    });
                    Ok(())
                })
                .await
                .unwrap();
            })
        };
        local.block_on(&runtime, async {
            let tasks =
                [spawn_local(player(ping.clone(), pong.clone())), spawn_local(player(pong.clone(), ping.clone()))];
            tokio::time::sleep(2 * MS).await;
            ping.set();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

#[test]
fn two_guests_are_each_told_of_other_threads_also_when_the_younger_has_ended() {
    for runtime in [current_thread(), multi_thread()] {
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            let older = spawn_local(guest(async {
                let slow = unblock(|| thread::sleep(30 * MS));
                sleep(MS).await;
                slow.await;
                for _ in 0..3 {
                    unblock(|| thread::sleep(5 * MS)).await;
                }
            }));
            tokio::time::sleep(2 * MS).await;
            for _ in 0..3 {
                spawn_local(guest(unblock(|| thread::sleep(2 * MS)))).await.unwrap();
            }
            // Its last turn was before theirs, and they are gone.
            older.await.unwrap();
        });
    }
}

#[test]
fn a_run_of_another_task_on_the_thread_leaves_a_guest_with_what_it_waits_for() {
    let local = LocalSet::new();
    local.block_on(&current_thread(), async {
        let waits = spawn_local(guest(async {
            nursery(async |n| {
                for _ in 0..3 {
                    n.spawn(async {
                        unblock(|| thread::sleep(5 * MS)).await;
                        Ok::<_, Failure>(())
                    });
                }
                Ok(())
            })
            .await
            .unwrap();
        }));
        tokio::time::sleep(MS).await;
        // It keeps the thread, and takes all that comes for the guest meanwhile.
        giambio::run(sleep(20 * MS));
        waits.await.unwrap();
    });
}

#[test]
fn a_run_or_a_guest_inside_of_a_guest_is_an_error_that_says_so() {
    in_each_host(|| async {
        assert!(matches!(giambio::builder().try_run(async {}), Err(RunError::Nested)));
        let nested = try_guest(async {}).await;
        let error = nested.unwrap_err();
        assert!(matches!(error, RunError::Nested) && error.to_string().contains(".await"), "{error}");
        sleep(MS).await;
    });
}

#[test]
fn tokios_channels_locks_and_tasks_work_in_children_that_borrow() {
    in_each_host(|| async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(2);
        let lock = &tokio::sync::Mutex::new(0);
        let ours = &Growable::<u32>::new(1);
        let text = &String::from("borrowed");
        let sum = nursery(async |n| {
            for i in 0..4 {
                let sender = sender.clone();
                n.spawn(async move {
                    *lock.lock().await += i;
                    tokio::task::yield_now().await;
                    ours.send(i).await?;
                    sender.send(text.len() as u32).await.unwrap();
                    Ok::<_, Failure>(())
                });
            }
            drop(sender);
            let mut sum = tokio::spawn(async { 1 }).await.unwrap();
            for _ in 0..4 {
                sum += ours.receive().await?;
            }
            while let Some(length) = receiver.recv().await {
                sum += length;
            }
            Ok(sum)
        });
        assert_eq!((sum.await.unwrap(), *lock.lock().await), (1 + 6 + 4 * 8, 6));
    });
}

/// tokio refuses what has used up its budget, and wakes it when the host has been round.
#[test]
fn a_guest_may_use_up_tokios_budget() {
    in_each_host(|| async {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        (0..10_000).for_each(|i| sender.send(i).unwrap());
        nursery(async |n| {
            n.spawn(async {
                for i in 0..10_000 {
                    assert_eq!(receiver.recv().await, Some(i));
                }
                Ok::<_, Failure>(())
            });
            sleep(MS).await;
            Ok(())
        })
        .await
        .unwrap();
    });
}
