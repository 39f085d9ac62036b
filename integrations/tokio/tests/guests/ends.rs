//! How a guest may end, or be left: dropped, forgotten, by a panic, with its host.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use giambio::sync::Event;
use giambio::{cancel_scope, finally, nursery, sleep, unblock};
use giambio_tokio::guest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

use crate::hosts::{Counted, Failure, MS, current_thread, in_each_host, multi_thread};

const HOUR: Duration = Duration::from_secs(3600);

/// Notes that it was dropped.
#[derive(Clone, Default)]
struct Dropped(Rc<Cell<u32>>);

struct Probe(Dropped);

impl Dropped {
    fn probe(&self) -> Probe {
        Probe(self.clone())
    }

    fn count(&self) -> u32 {
        self.0.get()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let count = &self.0.0;
        count.set(count.get() + 1);
    }
}

/// Three that wait: for a timer, for a thread, and for a timer of tokio's.
async fn program(dropped: Dropped) {
    nursery(async |n| {
        n.spawn(async {
            let _probe = dropped.probe();
            sleep(HOUR).await;
            Ok::<_, Failure>(())
        });
        n.spawn(async {
            let _probe = dropped.probe();
            while dropped.count() == 0 {
                unblock(|| thread::sleep(MS)).await;
            }
            Ok(())
        });
        let _probe = dropped.probe();
        tokio::time::sleep(HOUR).await;
        Ok(())
    })
    .await
    .unwrap();
}

#[test]
fn a_dropped_guest_has_dropped_its_program() {
    for runtime in [current_thread(), multi_thread()] {
        let dropped = Dropped::default();
        let timed = async { tokio::time::timeout(5 * MS, guest(program(dropped.clone()))).await };
        assert!(runtime.block_on(timed).is_err());
        assert_eq!(dropped.count(), 3);
        // The thread has room for the next.
        runtime.block_on(guest(unblock(|| thread::sleep(MS))));

        let local = LocalSet::new();
        local.block_on(&runtime, async {
            let task = spawn_local(guest(program(dropped.clone())));
            tokio::time::sleep(2 * MS).await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        });
        assert_eq!(dropped.count(), 6);
    }
}

#[test]
fn a_guest_that_was_never_polled_has_not_begun() {
    let (dropped, begun) = (Dropped::default(), Cell::new(false));
    let probe = dropped.probe();
    drop(guest(async {
        begun.set(true);
        drop(probe);
    }));
    assert_eq!((dropped.count(), begun.get()), (1, false));
}

#[test]
fn a_guest_that_is_cancelled_inside_has_its_clean_ups() {
    in_each_host(|| async {
        let (cleaned, (stop, stopped)) = (Cell::new(false), tokio::sync::oneshot::channel::<()>());
        tokio::spawn(async move {
            tokio::time::sleep(2 * MS).await;
            stop.send(())
        });
        let ended = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    finally(sleep(HOUR), async || {
                        tokio::time::sleep(MS).await;
                        sleep(MS).await;
                        cleaned.set(true);
                    })
                    .await;
                    Ok::<_, Failure>(())
                });
                let _ = stopped.await;
                scope.cancel();
                Ok(())
            })
            .await
        });
        assert!(ended.await.is_err());
        assert!(cleaned.get());
    });
}

#[test]
fn a_tokio_socket_in_a_child_is_cancelled_with_it() {
    in_each_host(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ended = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.write_all(b"ping").await?;
                    stream.read_exact(&mut [0; 4]).await?; // for ever
                    Ok::<_, Failure>(())
                });
                let (mut peer, _) = listener.accept().await?;
                let mut ping = [0; 4];
                peer.read_exact(&mut ping).await?;
                assert_eq!(&ping, b"ping");
                // Not in the scope that is cancelled.
                tokio::spawn(async move {
                    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0, "its end of the connection is closed");
                });
                scope.cancel();
                Ok(())
            })
            .await
        });
        assert!(ended.await.is_err());
        sleep(MS).await;
    });
}

#[test]
fn a_forgotten_guest_leaves_its_host_and_the_next_guest_alone() {
    for runtime in [current_thread(), multi_thread()] {
        let dropped = Dropped::default();
        runtime.block_on(async {
            let mut forgotten = guest(program(dropped.clone()));
            assert!(futures_poll(&mut forgotten).is_pending());
            mem::forget(forgotten);
            let polls = Rc::new(Cell::new(0));
            let next = guest(async {
                for _ in 0..3 {
                    unblock(|| thread::sleep(2 * MS)).await;
                    sleep(MS).await;
                }
            });
            Counted(next, polls.clone()).await;
            // What it has begun comes to an end on threads, and nobody takes that.
            assert!(polls.get() <= 40, "{} polls", polls.get());
        });
        drop(runtime);
        assert_eq!(dropped.count(), 0);
        giambio::run(unblock(|| ()));
    }
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_panic_comes_out_of_the_guest_when_all_is_dropped() {
    for runtime in [current_thread(), multi_thread()] {
        let dropped = Dropped::default();
        let panics = |dropped: Dropped| {
            guest(async move {
                nursery(async |n| {
                    let others = dropped.clone();
                    n.spawn(async {
                        program(others).await;
                        Ok::<_, Failure>(())
                    });
                    sleep(2 * MS).await;
                    if dropped.count() == 0 { panic!("as planned") } else { Ok(()) }
                })
                .await
                .unwrap();
            })
        };
        let end = catch_unwind(AssertUnwindSafe(|| runtime.block_on(panics(dropped.clone()))));
        assert_eq!(end.unwrap_err().downcast_ref::<&str>(), Some(&"as planned"));
        assert_eq!(dropped.count(), 3);

        let (local, dropped) = (LocalSet::new(), Dropped::default());
        let error = local.block_on(&runtime, async {
            let beside = spawn_local(guest(async {
                sleep(5 * MS).await;
                unblock(|| 7).await
            }));
            let error = spawn_local(panics(dropped.clone())).await.unwrap_err();
            assert_eq!(beside.await.unwrap(), 7, "another guest goes on");
            error
        });
        assert!(error.is_panic());
        assert_eq!(dropped.count(), 3);
    }
}

#[test]
fn a_guest_ends_with_the_local_set_that_it_is_in() {
    for runtime in [current_thread(), multi_thread()] {
        let (dropped, local) = (Dropped::default(), LocalSet::new());
        local.spawn_local(guest(program(dropped.clone())));
        local.block_on(&runtime, async { tokio::time::sleep(5 * MS).await });
        drop(runtime); // the host first
        assert_eq!(dropped.count(), 0);
        drop(local);
        assert_eq!(dropped.count(), 3);
    }
}

#[test]
fn a_guest_goes_on_in_another_host_when_its_own_is_gone() {
    for make in [current_thread, multi_thread] {
        let (first, second) = (make(), make());
        let event = Rc::new(Event::new());
        let mut program = guest({
            let event = event.clone();
            async move {
                let beside = async {
                    sleep(10 * MS).await;
                    unblock(|| thread::sleep(2 * MS)).await;
                };
                beside.await;
                event.wait().await;
                7
            }
        });
        first.block_on(async { tokio::time::timeout(2 * MS, &mut program).await }).unwrap_err();
        drop(first);
        let sets = async {
            tokio::time::sleep(20 * MS).await;
            event.set();
        };
        assert_eq!(second.block_on(async { tokio::join!(program, sets) }).0, 7);
    }
}

#[test]
fn a_guest_that_is_polled_when_its_host_is_gone_says_so() {
    let runtime = current_thread();
    let mut program = guest(sleep(HOUR));
    runtime.block_on(async { tokio::time::timeout(MS, &mut program).await }).unwrap_err();
    let handle = runtime.handle().clone();
    drop(runtime);
    let end = catch_unwind(AssertUnwindSafe(|| handle.block_on(program)));
    assert!(end.is_err());
    giambio::run(sleep(MS));
}

#[test]
fn a_guest_outside_of_tokio_and_one_that_has_ended_say_so() {
    let outside = catch_unwind(|| futures_poll(&mut guest(async {})).is_ready());
    let text = outside.unwrap_err();
    assert!(text.downcast_ref::<String>().is_some_and(|text| text.contains("Tokio")), "{text:?}");

    current_thread().block_on(async {
        let mut program = guest(async {});
        (&mut program).await;
        let again = catch_unwind(AssertUnwindSafe(|| futures_poll(&mut program).is_ready()));
        assert!(again.unwrap_err().downcast_ref::<&str>().unwrap().contains("after it had ended"));
    });
}
