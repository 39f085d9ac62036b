//! Sets of signals, and the orders to end that `run_until_stopped` follows. Each case in a process of its own, which is forked.
#![cfg(unix)]

#[path = "common/child.rs"]
mod child;

use std::future::pending;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex, PoisonError, mpsc};
use std::time::Duration;
use std::{mem, ptr, thread};

use child::{Child, LONG};
use giambio::process::{Spawn, run_in, status};
use giambio::signal::{CtrlC, Signal, Signals, terminate};
use giambio::{
    EachCore, Ended, Interrupted, RunError, builder, fail_after, finally, is_stopping, move_on_after, run,
    run_until_stopped, shield, sleep, stopping,
};
use libc::c_int;

/// Calls `case` in a process in which each of `signals` does what it does by default.
fn alone(signals: &[Signal], case: impl FnOnce()) -> Child {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Child::doing(|| {
        signals.iter().for_each(|signal| set(*signal, libc::SIG_DFL));
        case();
    })
}

fn set(signal: Signal, handler: libc::sighandler_t) {
    // SAFETY: `count` and what the system offers may be called at any time.
    assert_ne!(unsafe { libc::signal(signal.as_raw(), handler) }, libc::SIG_ERR);
}

/// What the signal does now.
fn now(signal: Signal) -> libc::sighandler_t {
    // SAFETY: plain data, for which zeros are good, and which is there to be written to.
    unsafe {
        let mut current: libc::sigaction = mem::zeroed();
        assert_eq!(libc::sigaction(signal.as_raw(), ptr::null(), &mut current), 0);
        current.sa_sigaction
    }
}

fn raise(signal: Signal) {
    // SAFETY: no conditions.
    assert_eq!(unsafe { libc::raise(signal.as_raw()) }, 0);
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: c_int) {
    COUNT.fetch_add(1, SeqCst);
}

const ALL: [Signal; 4] = [Signal::HUP, Signal::USR1, Signal::TERM, Signal::INT];

#[test]
fn each_signal_of_a_set_comes_and_several_of_a_kind_count_as_one() {
    alone(&ALL, || {
        run(fail_after(LONG, async {
            let mut signals = Signals::new([Signal::USR1, Signal::HUP]).unwrap();
            let mut others = Signals::new([Signal::TERM, Signal::USR1]).unwrap();
            [Signal::USR1, Signal::HUP, Signal::USR1, Signal::TERM].into_iter().for_each(raise);
            assert_eq!(signals.next().await.unwrap(), Signal::HUP);
            assert_eq!(signals.next().await.unwrap(), Signal::USR1);
            assert_eq!(others.next().await.unwrap(), Signal::USR1);
            assert_eq!(others.next().await.unwrap(), Signal::TERM);
            assert!(move_on_after(Duration::from_millis(1), signals.next()).await.is_none());
            assert!(move_on_after(Duration::from_millis(1), others.next()).await.is_none());
            // While it waits, and after a wait that was given up.
            thread::spawn(|| {
                thread::sleep(Duration::from_millis(5));
                raise(Signal::HUP);
            });
            assert_eq!(signals.next().await.unwrap(), Signal::HUP);
        }))
        .unwrap();
    })
    .join();
}

/// Only marks that are kept apart from the bytes see to that: the pair is full after some hundred.
#[test]
fn a_signal_that_comes_after_thousands_of_another_is_not_lost() {
    alone(&ALL, || {
        run(fail_after(LONG, async {
            let mut signals = Signals::new(ALL).unwrap();
            (0..10_000).for_each(|_| raise(Signal::HUP));
            raise(Signal::TERM);
            assert_eq!(signals.next().await.unwrap(), Signal::HUP);
            assert_eq!(signals.next().await.unwrap(), Signal::TERM);
            assert!(move_on_after(Duration::from_millis(1), signals.next()).await.is_none());
            raise(Signal::USR1);
            assert_eq!(signals.next().await.unwrap(), Signal::USR1);
        }))
        .unwrap();
    })
    .join();
}

/// Law of the house, and tokio#7905, deno#7164, signal-hook#23: what was there before comes back when nobody watches.
#[test]
fn what_was_there_before_is_back_when_nobody_watches_for_it() {
    let counting = count as *const () as libc::sighandler_t;
    for before in [libc::SIG_DFL, libc::SIG_IGN, counting] {
        alone(&ALL, || {
            ALL.into_iter().for_each(|signal| set(signal, before));
            let all = Signals::new(ALL).unwrap();
            let some = Signals::new([Signal::TERM]).unwrap();
            drop(all);
            assert_eq!(now(Signal::HUP), before);
            assert_eq!(now(Signal::TERM) == before, before == libc::SIG_IGN, "one still watches");
            drop(some);
            assert_eq!(now(Signal::TERM), before);
            assert_eq!(run_until_stopped(async { 5 }), Ok(5));
            assert!(run(move_on_after(Duration::from_millis(1), terminate())).is_none());
            assert!(ALL.into_iter().all(|signal| now(signal) == before));
        })
        .join();
    }
    // And it is not only said: a signal ends the process again.
    let killed = alone(&ALL, || {
        drop(Signals::new(ALL).unwrap());
        raise(Signal::HUP);
    });
    assert_eq!(killed.killed_by(), libc::SIGHUP);
}

#[test]
fn what_is_ignored_stays_ignored_and_nobody_sees_it() {
    alone(&ALL, || {
        set(Signal::HUP, libc::SIG_IGN);
        run(async {
            let mut signals = Signals::new(ALL).unwrap();
            raise(Signal::HUP);
            raise(Signal::USR1);
            assert_eq!(signals.next().await.unwrap(), Signal::USR1);
            assert!(move_on_after(Duration::from_millis(1), signals.next()).await.is_none());
        });
    })
    .join();
}

#[test]
fn a_handler_of_others_is_called_meanwhile() {
    alone(&ALL, || {
        set(Signal::TERM, count as *const () as libc::sighandler_t);
        let mut signals = Signals::new(ALL).unwrap();
        raise(Signal::TERM);
        assert_eq!(COUNT.load(SeqCst), 1);
        assert_eq!(run(signals.next()).unwrap(), Signal::TERM);
    })
    .join();
}

#[test]
fn what_no_process_sees_or_survives_is_refused_by_name_and_nothing_is_left_of_the_attempt() {
    alone(&ALL, || {
        for (signal, name) in [
            (Signal::KILL, "SIGKILL"),
            (Signal::STOP, "SIGSTOP"),
            (Signal::SEGV, "SIGSEGV"),
            (Signal::from_raw(0), "signal 0"),
            (Signal::from_raw(-7), "signal -7"),
            (Signal::from_raw(65), "signal 65"),
        ] {
            let error = Signals::new([Signal::TERM, Signal::HUP, signal]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{signal}");
            assert!(error.to_string().contains(name), "{error}");
            assert_eq!((now(Signal::TERM), now(Signal::HUP)), (libc::SIG_DFL, libc::SIG_DFL), "{signal}");
        }
    })
    .join();
}

#[test]
fn the_first_order_asks_to_stop_the_second_cancels_and_the_third_kills() {
    for [first, second, third] in [[Signal::TERM; 3], [Signal::INT; 3], [Signal::INT, Signal::TERM, Signal::INT]] {
        let stops = alone(&ALL, || {
            let ended = run_until_stopped(async {
                raise(first);
                stopping().await;
                sleep(Duration::from_millis(1)).await; // all else goes on
                7
            });
            assert_eq!(ended, Ok(7));
            assert_eq!(now(first), libc::SIG_DFL);
        });
        stops.join();
        let cancels = alone(&ALL, || {
            let cleaned_up = AtomicUsize::new(0);
            let ended = run_until_stopped(finally(
                async {
                    raise(first);
                    stopping().await;
                    raise(second);
                    pending::<()>().await
                },
                async || {
                    sleep(Duration::from_millis(1)).await;
                    cleaned_up.fetch_add(1, SeqCst);
                },
            ));
            assert_eq!(ended, Err(Interrupted));
            assert_eq!(cleaned_up.into_inner(), 1);
        });
        cancels.join();
        let kills = alone(&ALL, || {
            let _ = run_until_stopped(finally(
                async {
                    raise(first);
                    stopping().await;
                    raise(second);
                    pending::<()>().await
                },
                async || {
                    raise(third);
                    pending::<()>().await // a clean-up that hangs
                },
            ));
        });
        assert_eq!(kills.killed_by(), third.as_raw());
    }
}

/// Clean-ups that would have ended them don't come to that.
#[test]
fn the_order_that_kills_takes_along_what_the_program_has_started() {
    for is_group in [false, true] {
        let (mut reader, writer) = io::pipe().unwrap();
        let kills = alone(&ALL, || {
            let script = if is_group { "sleep 1000 & exec sleep 1000" } else { "exec sleep 1000" };
            let sleeps = Spawn::new("sh").args(["-c", script]).stdout(writer.try_clone().unwrap()).group(is_group);
            let sleeps = sleeps.stderr(Stdio::null());
            let _ = run_until_stopped(run_in(sleeps, async |child| {
                // One that was reaped before is nobody's.
                assert!(status(Spawn::new("true")).await.unwrap().success());
                assert!(child.try_wait().unwrap().is_none());
                (0..3).for_each(|_| raise(Signal::TERM));
                pending::<()>().await
            }));
        });
        drop(writer);
        assert_eq!(kills.killed_by(), libc::SIGTERM);
        // It ends when nobody has the other end.
        let (told, tells) = mpsc::channel();
        thread::spawn(move || told.send(reader.read(&mut [0]).unwrap()).unwrap());
        assert_eq!(tells.recv_timeout(LONG), Ok(0), "a program goes on");
    }
}

#[test]
fn orders_that_come_while_the_loop_is_busy_are_counted() {
    alone(&ALL, || {
        let ended = run_until_stopped(async {
            raise(Signal::TERM);
            raise(Signal::TERM);
            assert!(!is_stopping());
            pending::<()>().await
        });
        assert_eq!(ended, Err(Interrupted));
    })
    .join();
    let kills = alone(&ALL, || {
        let _ = run_until_stopped(async { (0..3).for_each(|_| raise(Signal::TERM)) });
    });
    assert_eq!(kills.killed_by(), libc::SIGTERM);
}

/// What is in a shield, or cleans up, is not cancelled, and waits for the first order.
#[test]
fn of_two_orders_that_are_seen_in_one_look_the_first_asks_to_stop() {
    for orders in [[Signal::TERM; 2], [Signal::INT; 2], [Signal::TERM, Signal::INT]] {
        alone(&ALL, || {
            let ended = run_until_stopped(shield(async {
                orders.into_iter().for_each(raise);
                stopping().await;
                7
            }));
            assert_eq!(ended, Ok(7));
        })
        .join();
        alone(&ALL, || {
            let ended = run_until_stopped(finally(
                async {
                    orders.into_iter().for_each(raise);
                    pending::<()>().await
                },
                async || {
                    assert!(is_stopping());
                    stopping().await;
                },
            ));
            assert_eq!(ended, Err(Interrupted));
        })
        .join();
    }
}

#[test]
fn a_watch_for_ctrl_c_inside_sees_the_orders_too() {
    alone(&ALL, || {
        let ended = run_until_stopped(async {
            let mut presses = CtrlC::new().unwrap();
            raise(Signal::INT);
            presses.pressed().await.unwrap();
            stopping().await;
        });
        assert_eq!(ended, Ok(()));
        assert!(matches!(run(async { builder().try_run_until_stopped(async {}) }), Err(RunError::Nested)));
    })
    .join();
}

#[test]
fn terminate_is_either_order() {
    for order in [Signal::TERM, Signal::INT] {
        alone(&ALL, || {
            let ended = run(fail_after(LONG, async {
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(20));
                    raise(order);
                });
                terminate().await.unwrap()
            }));
            assert_eq!(ended, Ok(order));
        })
        .join();
    }
}

fn three_cores() -> EachCore {
    builder().on_each_core().threads(NonZeroUsize::new(3).unwrap())
}

#[test]
fn on_each_core_the_first_order_asks_all_to_stop_the_second_cancels_them_and_the_third_kills() {
    for [first, second, third] in [[Signal::TERM; 3], [Signal::INT, Signal::TERM, Signal::INT]] {
        alone(&ALL, || {
            let ended = three_cores().run_until_stopped(async |core| {
                if core.index() == 1 {
                    raise(first);
                }
                stopping().await;
                sleep(Duration::from_millis(1)).await; // all else goes on
                Ok::<_, ()>(core.index())
            });
            assert_eq!(ended, Ended::Values(vec![0, 1, 2]));
            assert_eq!(now(first), libc::SIG_DFL);
        })
        .join();
        let until_cancelled = |then: fn(Signal)| {
            let (cleaned_up, begun) = (AtomicUsize::new(0), Barrier::new(3));
            let ended = three_cores().run_until_stopped(async |core| {
                begun.wait(); // or one that begins when all are cancelled has nothing to clean up
                if core.index() == 2 {
                    raise(first);
                }
                let waits = async {
                    stopping().await;
                    if core.index() == 0 {
                        raise(second);
                    }
                    pending::<Result<(), ()>>().await
                };
                finally(waits, async || {
                    sleep(Duration::from_millis(1)).await;
                    if cleaned_up.fetch_add(1, SeqCst) == 2 {
                        then(third);
                    }
                })
                .await
            });
            assert_eq!(ended, Ended::Interrupted);
            assert_eq!(cleaned_up.into_inner(), 3);
        };
        alone(&ALL, || until_cancelled(|_| ())).join();
        assert_eq!(alone(&ALL, || until_cancelled(raise)).killed_by(), third.as_raw());
    }
}

/// Its own watch has not seen the order.
#[test]
fn a_core_that_begins_after_an_order_is_asked_to_stop_too() {
    alone(&ALL, || {
        let ended = three_cores().run_until_stopped(async |core| {
            if core.index() == 0 {
                raise(Signal::TERM); // before there are the others, or not
            } else {
                thread::sleep(Duration::from_millis(5));
            }
            stopping().await;
            Ok::<_, ()>(())
        });
        assert_eq!(ended, Ended::Values(vec![(); 3]));
    })
    .join();
}

#[test]
fn a_core_that_fails_cancels_the_others_whatever_they_were_asked() {
    alone(&ALL, || {
        let ended = three_cores().run_until_stopped(async |core| {
            if core.index() == 1 {
                raise(Signal::TERM);
            }
            stopping().await;
            if core.index() == 2 { Err("out of luck") } else { pending().await }
        });
        let Ended::<(), _>::Errors(errors) = ended else { panic!("{ended:?}") };
        assert_eq!((errors.first(), errors.len()), (&"out of luck", 1));
    })
    .join();
}

/// It has a copy of the watch, and nobody who would look at it.
#[test]
fn a_child_that_is_forked_under_a_watch_ends_by_the_signal_until_it_watches_itself() {
    alone(&ALL, || {
        let _watch = Signals::new(ALL).unwrap();
        assert_eq!(Child::doing(|| raise(Signal::USR1)).killed_by(), libc::SIGUSR1);
        run(async {
            let mut signals = Signals::new([Signal::HUP]).unwrap();
            let child = Child::doing(|| {
                raise(Signal::HUP);
            });
            assert_eq!(child.killed_by(), libc::SIGHUP);
            raise(Signal::HUP);
            assert_eq!(signals.next().await.unwrap(), Signal::HUP);
        });
        let mut kept = Signals::new([Signal::USR1]).unwrap();
        // What came before is the parent's.
        raise(Signal::USR1);
        Child::doing(|| {
            run(fail_after(LONG, async {
                assert!(move_on_after(Duration::ZERO, kept.next()).await.is_none());
                raise(Signal::USR1);
                assert_eq!(kept.next().await.unwrap(), Signal::USR1);
            }))
            .unwrap();
        })
        .join();
        assert_eq!(run(fail_after(LONG, kept.next())).unwrap().unwrap(), Signal::USR1);
    })
    .join();
}
