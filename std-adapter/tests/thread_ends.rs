//! Destructors of thread-locals: a thread that ends may still run.

mod common;

use std::cell::RefCell;
use std::env;
use std::thread;
use std::time::Duration;

use common::{itself, pair};
use giambio::net::{TcpStream, lookup};
use giambio::{Idle, StdClock, builder, nursery, run, sleep, unblock};

/// Calls a function when the thread ends.
struct AtTheEnd(fn());

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// On Windows a thread that ends keeps others from loading libraries, as the first sockets do: one test after the other.
static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

thread_local! {
    static EARLIER: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
    static LATER: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

/// All that a runtime is: timers, children, sockets, threads, names. On Windows, where other threads wait for the one that
/// ends, without the last two.
fn use_all() {
    let ran = builder().try_run(async {
        let (client, server) = pair().await;
        nursery(async |n| {
            n.spawn(async {
                sleep(Duration::from_millis(1)).await;
                client.send_all(b"x").await
            });
            if cfg!(not(windows)) {
                n.spawn(async {
                    assert_eq!(lookup("localhost:80").await?[0].port(), 80);
                    Ok(())
                });
                assert_eq!(unblock(|| 7).await, 7);
            }
            assert_eq!(server.receive(&mut [0; 8]).await?, 1);
            Ok::<(), std::io::Error>(())
        })
        .await
    });
    ran.expect("it starts").expect("it works");
}

#[test]
fn a_run_works_in_a_destructor_of_a_thread_local_whenever_that_comes() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    fn at_the_end() {
        // One after the other, and a socket of the one in the other.
        use_all();
        let (client, server) = run(pair());
        use_all();
        let received = run(async {
            client.send_all(b"y").await?;
            server.receive(&mut [0; 8]).await
        });
        assert_eq!(received.unwrap(), 1);
        drop(Idle::new(StdClock::new()).unwrap());
    }
    thread::spawn(|| {
        // The last to be made is the first to go.
        EARLIER.with(|end| *end.borrow_mut() = Some(AtTheEnd(at_the_end)));
        run(async {});
        LATER.with(|end| *end.borrow_mut() = Some(AtTheEnd(at_the_end)));
    })
    .join()
    .unwrap();
}

#[test]
fn a_first_run_may_come_when_its_thread_ends() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    thread::spawn(|| EARLIER.with(|end| *end.borrow_mut() = Some(AtTheEnd(use_all)))).join().unwrap();
}

/// Two sockets that talk when they are dropped.
struct Talks(TcpStream, TcpStream);

impl Drop for Talks {
    fn drop(&mut self) {
        run(async {
            self.0.send_all(b"z").await.unwrap();
            assert_eq!(self.1.receive(&mut [0; 8]).await.unwrap(), 1);
            // Now it waits, and what it waits for comes later.
            let (mut byte, late) = ([0], sleep(Duration::from_millis(1)));
            let send = async {
                late.await;
                self.1.send_all(b"z").await
            };
            let (received, sent) = futures_lite::future::zip(self.0.receive(&mut byte), send).await;
            assert_eq!((received.unwrap(), sent.unwrap()), (1, ()));
        });
    }
}

#[test]
fn sockets_in_a_thread_local_work_until_they_are_dropped() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    thread_local!(static KEPT: RefCell<Option<Talks>> = const { RefCell::new(None) });
    thread::spawn(|| {
        KEPT.with(|_| ()); // it goes last
        let talks = run(async {
            let (client, server) = pair().await;
            // Both are known to the reactor.
            assert!(giambio::move_on_after(Duration::ZERO, server.receive(&mut [0; 8])).await.is_none());
            assert!(giambio::move_on_after(Duration::ZERO, client.receive(&mut [0; 8])).await.is_none());
            Talks(client, server)
        });
        KEPT.set(Some(talks));
    })
    .join()
    .unwrap();
}

#[test]
fn a_run_works_when_the_main_thread_ends() {
    if env::var_os("GIAMBIO_MAIN_ENDS").is_some() {
        EARLIER.with(|end| {
            *end.borrow_mut() = Some(AtTheEnd(|| {
                use_all();
                println!("ran at the end");
            }))
        });
        return run(async {});
    }
    // With one thread, the tests are on the main one.
    let arguments = ["a_run_works_when_the_main_thread_ends", "--exact", "--nocapture", "--test-threads=1"];
    let ended = itself().args(arguments).env("GIAMBIO_MAIN_ENDS", "1").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{} {said} {}", ended.status, String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("ran at the end"), "{said}");
}
