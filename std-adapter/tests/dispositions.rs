//! What SIGINT does before, during and after a watch for Ctrl+C. Each case in a process of its own, which is forked.
#![cfg(unix)]

#[path = "common/child.rs"]
mod child;
mod common;

use std::future::pending;
use std::io::{self, Read, Write};
use std::mem;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use child::{Child, LONG};
use giambio::signal::CtrlC;
use giambio::{Ended, Interrupted, builder, ctrl_c, fail_after, move_on_after, run, run_or_ctrl_c, sleep};
use libc::SIGINT;

/// Calls `case` in a process in which SIGINT does that.
fn with(before: libc::sighandler_t, case: impl FnOnce()) -> Child {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Child::doing(|| {
        set(before);
        case();
    })
}

fn set(handler: libc::sighandler_t) {
    // SAFETY: `count` and what the system offers may be called at any time.
    assert_ne!(unsafe { libc::signal(SIGINT, handler) }, libc::SIG_ERR);
}

/// What SIGINT does now.
fn now() -> libc::sighandler_t {
    // SAFETY: plain data, for which zeros are good, and which is there to be written to.
    unsafe {
        let mut current: libc::sigaction = mem::zeroed();
        assert_eq!(libc::sigaction(SIGINT, ptr::null(), &mut current), 0);
        current.sa_sigaction
    }
}

fn raise() {
    // SAFETY: no conditions.
    assert_eq!(unsafe { libc::raise(SIGINT) }, 0);
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    COUNT.fetch_add(1, SeqCst);
}

fn counting() -> libc::sighandler_t {
    count as *const () as libc::sighandler_t
}

fn a_press_ends_a_run() {
    let ended = run_or_ctrl_c(async {
        raise();
        pending::<()>().await
    });
    assert_eq!(ended, Err(Interrupted));
}

#[test]
fn what_was_there_before_is_back_when_nobody_watches() {
    for before in [libc::SIG_DFL, libc::SIG_IGN, counting()] {
        with(before, || {
            for _ in 0..3 {
                assert_eq!(run_or_ctrl_c(async {}), Ok(()));
                assert_eq!(now(), before);
            }
            assert!(run(move_on_after(Duration::from_millis(1), ctrl_c())).is_none());
            assert_eq!(now(), before);
            let two = builder().on_each_core().threads(2.try_into().unwrap());
            assert_eq!(two.run_or_ctrl_c(async |_| Ok::<_, ()>(())), Ended::Values(vec![(); 2]));
            assert_eq!(now(), before);
        })
        .join();
    }
}

#[test]
fn it_is_back_when_the_last_of_several_watches_has_gone() {
    with(libc::SIG_DFL, || {
        let ended = run_or_ctrl_c(async {
            let inner = CtrlC::new().unwrap();
            let other = CtrlC::new().unwrap();
            drop(inner);
            assert_ne!(now(), libc::SIG_DFL);
            drop(other);
            assert_ne!(now(), libc::SIG_DFL);
            raise();
            pending::<()>().await
        });
        assert_eq!(ended, Err(Interrupted));
        assert_eq!(now(), libc::SIG_DFL);
        // The runs of two threads end one after the other.
        let (both, one) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                run_or_ctrl_c(async {
                    both.wait();
                })
                .unwrap();
                one.wait();
            });
            run_or_ctrl_c(async {
                both.wait();
                one.wait();
                assert_ne!(now(), libc::SIG_DFL);
            })
            .unwrap();
        });
        assert_eq!(now(), libc::SIG_DFL);
    })
    .join();
}

#[test]
fn after_the_run_the_signal_ends_the_process() {
    let child = with(libc::SIG_DFL, || {
        a_press_ends_a_run();
        raise();
        unreachable!("it has ended");
    });
    assert_eq!(child.killed_by(), SIGINT);
}

#[test]
fn what_is_ignored_from_the_start_stays_ignored() {
    with(libc::SIG_IGN, || {
        let ended = run_or_ctrl_c(async {
            raise();
            move_on_after(Duration::from_millis(20), ctrl_c()).await.is_none()
        });
        assert_eq!(ended, Ok(true));
        // No longer ignored, it is seen, and restored to that.
        set(libc::SIG_DFL);
        a_press_ends_a_run();
        assert_eq!(now(), libc::SIG_DFL);
    })
    .join();
}

#[test]
fn a_handler_of_others_is_called_during_a_watch_and_after_it() {
    with(counting(), || {
        a_press_ends_a_run();
        assert_eq!(COUNT.load(SeqCst), 1);
        raise();
        assert_eq!(COUNT.load(SeqCst), 2);
    })
    .join();
}

#[test]
fn the_code_that_is_interrupted_finds_errno_as_it_was() {
    extern "C" fn failing(_: libc::c_int) {
        // SAFETY: no conditions.
        assert_eq!(unsafe { libc::close(-1) }, -1);
    }
    with(failing as *const () as libc::sighandler_t, || {
        let watch = CtrlC::new().unwrap();
        // More than the watch's pair of sockets has room for.
        for _ in 0..10_000 {
            // SAFETY: it is a path.
            assert_eq!(unsafe { libc::chdir(c"/no/such/directory".as_ptr()) }, -1);
            raise();
            assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::ENOENT));
        }
        drop(watch);
    })
    .join();
}

#[test]
fn a_handler_that_is_put_up_during_a_watch_stays_and_the_next_watch_sees_all_the_same() {
    with(libc::SIG_DFL, || {
        let watch = CtrlC::new().unwrap();
        // SAFETY: an atomic.
        let theirs = unsafe {
            signal_hook::low_level::register(SIGINT, || {
                COUNT.fetch_add(1, SeqCst);
            })
        }
        .unwrap();
        let handler = now();
        drop(watch);
        assert_eq!(now(), handler);
        raise();
        assert_eq!(COUNT.load(SeqCst), 1);
        for round in 2..4 {
            let ended = run_or_ctrl_c(async {
                raise();
                pending::<()>().await
            });
            assert_eq!((ended, COUNT.load(SeqCst)), (Err(Interrupted), round));
            assert_eq!(now(), handler);
        }
        assert!(signal_hook::low_level::unregister(theirs));
        // One that nobody asked to call us.
        let watch = CtrlC::new().unwrap();
        set(counting());
        drop(watch);
        assert_eq!(now(), counting());
        // And none at all.
        let watch = CtrlC::new().unwrap();
        set(libc::SIG_DFL);
        drop(watch);
        assert_eq!(now(), libc::SIG_DFL);
        a_press_ends_a_run();
        assert_eq!(now(), libc::SIG_DFL);
    })
    .join();
}

#[test]
fn a_forked_child_does_not_watch_for_its_parent_and_may_watch_for_itself() {
    with(libc::SIG_DFL, || {
        run(async {
            let mut presses = CtrlC::new().unwrap();
            assert!(move_on_after(Duration::ZERO, presses.pressed()).await.is_none());
            // One that only waits is ended by it.
            let child = Child::doing(|| {
                loop {
                    thread::sleep(Duration::from_secs(1));
                }
            });
            child.send(SIGINT);
            assert_eq!(child.killed_by(), SIGINT);
            // One in which the watch is dropped, too.
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            let child = match Child::fork() {
                Some(child) => child,
                None => Child::end(|| {
                    drop(presses);
                    assert_eq!(now(), libc::SIG_DFL);
                    (&theirs).write_all(b"x").unwrap();
                    thread::sleep(LONG);
                }),
            };
            ours.read_exact(&mut [0]).unwrap();
            child.send(SIGINT);
            assert_eq!(child.killed_by(), SIGINT);
            // One that goes on, and awaits it.
            let Some(child) = Child::fork() else {
                let pressed = async {
                    assert!(move_on_after(Duration::ZERO, presses.pressed()).await.is_none());
                    raise();
                    fail_after(LONG, presses.pressed()).await.unwrap().unwrap();
                };
                pressed.await;
                Child::end(|| ())
            };
            child.join();
            assert!(move_on_after(Duration::from_millis(20), presses.pressed()).await.is_none(), "it was not ours");
            raise();
            fail_after(LONG, presses.pressed()).await.unwrap().unwrap();
        });
        assert_eq!(now(), libc::SIG_DFL);
    })
    .join();
}

#[test]
fn watches_come_and_go_while_the_signal_comes() {
    with(counting(), || {
        let presser = thread::spawn(|| {
            for _ in 0..2_000 {
                // SAFETY: no conditions: it is this process.
                assert_eq!(unsafe { libc::kill(libc::getpid(), SIGINT) }, 0);
            }
        });
        while !presser.is_finished() {
            let watch = CtrlC::new().unwrap();
            let other = CtrlC::new().unwrap();
            drop(watch);
            drop(other);
            // A descriptor that may have the number of one of theirs, and must be told nothing.
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            thread::yield_now();
            drop(ours);
            assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
        }
        presser.join().unwrap();
        run(sleep(Duration::ZERO));
    })
    .join();
}
