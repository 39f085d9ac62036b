//! Forks: each process has a reactor of its own, and leaves the other's alone. Real ones, each child ended by `_exit`.
#![cfg(unix)]

#[path = "common/child.rs"]
mod child;
mod common;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use child::{Child, LONG};
use common::{pair, woken_by_a_thread};
use futures_lite::future::zip;
use giambio::net::{TcpListener, TcpStream, lookup};
use giambio::{Idle, StdClock, Until, Wait, builder, fail_after, move_on_after, nursery, run, sleep, unblock};

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One byte from the one to the other, after the other has begun to wait.
async fn talk(one: &TcpStream, other: &TcpStream) {
    let late = async {
        sleep(Duration::from_millis(1)).await;
        one.send_all(b"x").await.unwrap();
    };
    let mut byte = [0];
    let (received, ()) = zip(other.receive_exact(&mut byte), late).await;
    received.unwrap();
}

/// Sockets, timers and wakes of other threads work.
async fn use_all() {
    let work = async {
        let (client, server) = pair().await;
        for _ in 0..20 {
            talk(&client, &server).await;
            talk(&server, &client).await;
            woken_by_a_thread(Duration::from_millis(5)).await;
        }
    };
    fail_after(LONG, work).await.expect("nothing is lost");
}

/// A connection whose server end the reactor knows.
async fn known_pair() -> (TcpStream, TcpStream) {
    let (client, server) = pair().await;
    assert!(move_on_after(Duration::ZERO, server.receive(&mut [0])).await.is_none());
    (client, server)
}

#[test]
fn children_that_are_forked_after_a_run_each_run_and_so_does_the_parent() {
    let _alone = alone();
    run(use_all());
    let children: Vec<Child> = (0..3).map(|_| Child::doing(|| run(use_all()))).collect();
    run(use_all());
    children.into_iter().for_each(Child::join);
}

#[test]
fn a_child_that_drops_its_copy_of_a_socket_leaves_the_parents_alone() {
    let _alone = alone();
    let (client, server) = run(known_pair());
    let Some(child) = Child::fork() else { Child::end(|| drop(server)) };
    child.join();
    run(async {
        let (received, ()) = zip(fail_after(LONG, server.receive(&mut [0])), async {
            sleep(Duration::from_millis(1)).await;
            client.send_all(b"x").await.unwrap();
        })
        .await;
        assert_eq!(received.expect("the event comes").unwrap(), 1);
    });
}

#[test]
fn a_child_that_ends_in_the_middle_of_a_run_leaves_the_parents_run_alone() {
    let _alone = alone();
    run(async {
        let (client, server) = known_pair().await;
        let Some(child) = Child::fork() else { Child::end(|| drop((client, server))) };
        child.join();
        fail_after(LONG, talk(&client, &server)).await.expect("the event comes");
        use_all().await;
    });
}

#[test]
fn a_child_whose_thread_locals_go_leaves_the_parents_wakes_and_timers_alone() {
    let _alone = alone();
    let parent = thread::spawn(|| {
        run(use_all());
        let child = Child::fork();
        if child.is_some() {
            run(use_all());
        }
        child
    });
    // In the child, the thread that forked ends as a thread does, and the process with it: it is the only one there.
    let Some(child) = parent.join().unwrap() else { unreachable!("this thread is in the parent alone") };
    child.wait();
    run(use_all());
}

#[test]
fn a_child_goes_on_with_the_run_in_which_it_was_forked() {
    let _alone = alone();
    run(async {
        let (client, server) = known_pair().await;
        let main = nursery(async |n| {
            // It waits when the process is copied, and by the waker of the task.
            n.spawn(async {
                let mut byte = [0];
                server.receive_exact(&mut byte).await.map_err(|_| None)?;
                Ok(())
            });
            n.spawn(async {
                sleep(Duration::from_millis(2)).await;
                match Child::fork() {
                    Some(child) => Err(Some(child)),
                    None => {
                        use_all().await;
                        client.send_all(b"x").await.map_err(|_| None)
                    }
                }
            });
            Ok(())
        });
        match fail_after(LONG, main).await {
            // The parent's task that waited is cancelled by then.
            Ok(Err(Some(child))) => {
                use_all().await;
                child.join();
            }
            in_child => Child::end(|| assert!(matches!(in_child, Ok(Ok(()))))),
        }
        use_all().await;
    });
}

#[test]
fn what_the_parent_waits_for_comes_to_the_parent() {
    let _alone = alone();
    // The child waits for the same descriptors, and for all that the parent is told.
    let (client, server) = run(known_pair());
    let (go, went) = std::os::unix::net::UnixStream::pair().unwrap();
    let child = Child::doing(|| {
        run(async {
            use_all().await;
            drop(go);
            sleep(Duration::from_millis(300)).await;
        })
    });
    std::io::Read::read(&mut &went, &mut [0]).ok();
    run(async {
        for _ in 0..20 {
            fail_after(LONG, talk(&client, &server)).await.expect("the event comes");
        }
    });
    child.join();
}

#[test]
fn a_listener_serves_in_all_children_that_are_forked() {
    let _alone = alone();
    let listener = run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(move_on_after(Duration::ZERO, listener.accept()).await.is_none());
        listener
    });
    let address = listener.local_addr().unwrap();
    let serve = || {
        run(async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut byte = [0];
                stream.receive_exact(&mut byte).await.unwrap();
                if byte == [0] {
                    return;
                }
                stream.send_all(&byte).await.unwrap();
            }
        });
    };
    let children: Vec<Child> = (0..3).map(|_| Child::doing(serve)).collect();
    run(async {
        for n in 1..100 {
            let client = TcpStream::connect(address).await.unwrap();
            let mut echo = [0];
            client.send_all(&[n]).await.unwrap();
            fail_after(LONG, client.receive_exact(&mut echo)).await.expect("one of them serves").unwrap();
            assert_eq!(echo, [n]);
        }
        for _ in &children {
            TcpStream::connect(address).await.unwrap().send_all(&[0]).await.unwrap();
        }
    });
    children.into_iter().for_each(Child::join);
}

#[test]
fn a_child_of_a_child_runs_too_and_an_idle_loop_is_good_in_all_of_them() {
    let _alone = alone();
    let mut idle = Idle::new(StdClock::new()).unwrap();
    let wakes = |idle: &mut Idle<StdClock>| {
        let waker = idle.waker();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            waker.wake();
        });
        idle.wait(Until::OnWake);
        thread.join().unwrap();
    };
    wakes(&mut idle);
    Child::doing(|| {
        wakes(&mut idle);
        run(use_all());
        Child::doing(|| {
            run(use_all());
            wakes(&mut idle);
        })
        .join();
        wakes(&mut idle);
        run(use_all());
    })
    .join();
    wakes(&mut idle);
    run(use_all());
}

#[test]
fn a_child_has_threads_whatever_other_threads_were_at_when_it_was_forked() {
    let _alone = alone();
    let (is_over, begin) = (AtomicBool::new(false), Barrier::new(4));
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                begin.wait(); // while a thread starts, a child's thread hangs in the standard library
                while !is_over.load(Relaxed) {
                    // Each start of a run looks for the threads, to tell their number.
                    builder().blocking_threads(NonZeroUsize::new(256).unwrap()).run(async {});
                }
            });
        }
        begin.wait();
        let _end = Finally(|| is_over.store(true, Relaxed)); // or a child that hangs has this one hang
        for _ in 0..300 {
            Child::doing(|| run(async { unblock(|| ()).await })).join();
        }
    });
}

struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_child_has_threads_of_its_own_for_calls_that_block() {
    let _alone = alone();
    let call = async || {
        let called = fail_after(LONG, async {
            assert_eq!(lookup("localhost:80").await.unwrap()[0].port(), 80);
            unblock(|| 7).await
        });
        assert_eq!(called.await, Ok(7));
    };
    run(call());
    Child::doing(|| run(call())).join();
    run(call());
    // The thread that forks may be one of them.
    let child = run(unblock(|| Child::doing(|| run(call_elsewhere()))));
    child.join();
}

/// A call that blocks, made on a thread that is at one.
async fn call_elsewhere() {
    assert_eq!(fail_after(LONG, unblock(|| 7)).await, Ok(7));
}
