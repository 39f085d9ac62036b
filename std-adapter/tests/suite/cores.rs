//! A runtime for each core: they borrow, stand and fall together, and share a port.

use std::future::pending;
use std::io::{ErrorKind, Read, Write};
use std::net::{self, SocketAddr};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use giambio::net::{ListenOptions, TcpListener};
use giambio::{Debugger, EachCore, Outcome, RunError, builder, finally, nursery, run, run_on_each_core, sleep};

const LONG: Duration = Duration::from_secs(1000);

fn cores(count: usize) -> EachCore {
    builder().on_each_core().threads(NonZeroUsize::new(count).unwrap())
}

/// Counts how many of it are gone.
struct Gone<'a>(&'a AtomicUsize);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn every_cpu_has_a_core_and_values_come_in_order() {
    let indices = run_on_each_core(async |core| Ok::<_, ()>((core.index(), core.count()))).unwrap();
    let count = thread::available_parallelism().unwrap().get();
    assert_eq!(indices, (0..count).map(|index| (index, count)).collect::<Vec<_>>());
}

#[test]
fn the_thread_that_calls_is_the_first_core() {
    let threads = cores(3).run(async |_| Ok::<_, ()>(thread::current().id())).unwrap();
    assert_eq!(threads[0], thread::current().id());
    assert!(threads[1] != threads[0] && threads[2] != threads[0] && threads[1] != threads[2]);
}

#[test]
fn cores_borrow_what_is_outside() {
    let words = [String::from("one"), String::from("three")];
    let letters = AtomicUsize::new(0);
    let ended = cores(2).run(async |core| {
        let word = &words[core.index()];
        let count = nursery(async |n| Ok::<_, ()>(n.spawn_value(async { Ok(word.len()) }).await.unwrap())).await?;
        letters.fetch_add(count, Ordering::SeqCst);
        Ok::<_, ()>(word.as_str())
    });
    assert_eq!(ended, Ok(vec!["one", "three"]));
    assert_eq!(letters.into_inner(), 8);
}

#[test]
fn the_first_error_cancels_the_others_and_reaches_the_caller() {
    // The others wait for a timer, or for nothing at all, when they are told; or they have not begun.
    for failing in [0, 1, 2] {
        for delay in [None, Some(Duration::from_millis(5))] {
            let gone = AtomicUsize::new(0);
            let ended = cores(3).run(async |core| {
                let _gone = Gone(&gone);
                if core.index() == failing {
                    if let Some(delay) = delay {
                        sleep(delay).await;
                    }
                    return Err("out of luck");
                }
                if core.index() == (failing + 1) % 3 {
                    sleep(LONG).await;
                }
                pending::<Result<(), _>>().await
            });
            let errors = ended.unwrap_err();
            assert_eq!((*errors.first(), errors.len()), ("out of luck", 1));
            assert_eq!(gone.into_inner(), 3);
        }
    }
}

#[test]
fn clean_ups_run_before_a_core_is_left() {
    let cleaned_up = AtomicUsize::new(0);
    let is_waiting = Barrier::new(2);
    let ended = cores(2).run(async |core| {
        if core.index() == 0 {
            is_waiting.wait();
            return Err("out of luck");
        }
        let wait = async {
            is_waiting.wait();
            sleep(LONG).await;
        };
        let clean_up = async || {
            sleep(Duration::from_millis(2)).await;
            cleaned_up.fetch_add(1, Ordering::SeqCst);
        };
        finally(wait, clean_up).await;
        Ok(())
    });
    assert!(ended.is_err());
    assert_eq!(cleaned_up.into_inner(), 1);
}

#[test]
fn errors_of_several_cores_all_reach_the_caller() {
    let all_fail = Barrier::new(3);
    let errors = cores(3).run(async |core| {
        all_fail.wait();
        Err::<(), _>(core.index())
    });
    let mut errors: Vec<usize> = errors.unwrap_err().into_iter().collect();
    errors.sort();
    assert_eq!(errors, [0, 1, 2]);
}

#[test]
fn a_core_that_has_ended_leaves_the_others_alone() {
    let ended = cores(2).run(async |core| {
        sleep(Duration::from_millis(20 * core.index() as u64)).await;
        Ok::<_, ()>(core.index())
    });
    assert_eq!(ended, Ok(vec![0, 1]));
}

#[test]
fn a_panic_cancels_the_others_and_reaches_the_caller() {
    for panicking in [0, 1] {
        let gone = AtomicUsize::new(0);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            cores(2).run(async |core| {
                let _gone = Gone(&gone);
                if core.index() == panicking {
                    panic!("as planned");
                }
                sleep(LONG).await;
                Ok::<_, ()>(())
            })
        }));
        assert_eq!(ended.unwrap_err().downcast_ref::<&str>(), Some(&"as planned"));
        assert_eq!(gone.into_inner(), 2);
    }
    run(async { sleep(Duration::from_millis(1)).await }); // this thread can go on
}

#[test]
fn a_function_that_panics_before_there_is_a_future_is_no_different() {
    let outcomes = cores(2).outcomes(|core: giambio::Core| {
        assert_eq!(core.index(), 0, "as planned");
        async {
            sleep(LONG).await;
            Ok::<_, ()>(())
        }
    });
    assert!(matches!(outcomes[..], [(1, Outcome::Panic(_)), (0, Outcome::Cancelled)]), "{outcomes:?}");
}

#[test]
fn nothing_is_lost_when_one_panics_and_another_fails() {
    let both = Barrier::new(2);
    let mut outcomes = cores(2).outcomes(async |core| {
        both.wait();
        match core.index() {
            0 => Err::<(), _>("out of luck"),
            _ => panic!("as planned"),
        }
    });
    outcomes.sort_by_key(|(index, _)| *index);
    assert!(matches!(outcomes[..], [(0, Outcome::Error("out of luck")), (1, Outcome::Panic(_))]), "{outcomes:?}");
}

#[test]
fn cores_in_a_run_are_refused() {
    run(async {
        let outcomes = cores(2).outcomes(async |_| Ok::<_, ()>(()));
        assert!(matches!(outcomes[..], [(0, Outcome::NotStarted(RunError::Nested))]), "{outcomes:?}");
        let panic = catch_unwind(|| cores(2).run(async |_| Ok::<_, ()>(()))).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains(".await"));
    });
}

#[test]
fn one_debugger_may_observe_all_cores() {
    #[derive(Default)]
    struct Starts(AtomicUsize);
    impl Debugger for Starts {
        fn on_start(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let starts = Starts::default();
    let three = builder().debugger(&starts).on_each_core().threads(NonZeroUsize::new(3).unwrap());
    assert_eq!(three.run(async |_| Ok::<_, ()>(())).unwrap().len(), 3);
    assert_eq!(starts.0.into_inner(), 3);
}

/// Two that listen at one port, if there is such a thing here.
fn two_at_a_port() -> Option<[net::TcpListener; 2]> {
    let bind = |address| {
        let bound = run(async move { ListenOptions::new().reuse_port(true).bind(address).await });
        bound.and_then(TcpListener::into_std)
    };
    let first = match bind(SocketAddr::from(([127, 0, 0, 1], 0))) {
        Err(error) if error.kind() == ErrorKind::Unsupported => return None,
        bound => bound.unwrap(),
    };
    let second = bind(first.local_addr().unwrap()).unwrap();
    Some([first, second])
}

#[test]
fn cores_share_a_port() {
    const CLIENTS: usize = 64;
    let Some(listeners) = two_at_a_port() else {
        return assert_ne!(std::env::consts::OS, "linux", "a port can be shared there");
    };
    let address = listeners[0].local_addr().unwrap();
    let listeners = Mutex::new(Vec::from(listeners));
    let served = Mutex::new(vec![0; 2]);
    let clients = || {
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| net::TcpStream::connect(address).unwrap()).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            client.write_all(&[number as u8]).unwrap();
            let mut echo = [0];
            client.read_exact(&mut echo).unwrap();
            assert_eq!(usize::from(echo[0]), number);
        }
    };
    // The first core to see that all were served ends the others.
    let ended = thread::scope(|scope| {
        scope.spawn(clients);
        cores(2).run(async |core| {
            let listener = TcpListener::from(listeners.lock().unwrap().pop().expect("there is one for each core"));
            nursery(async |n| {
                loop {
                    let (stream, _) = listener.accept().await.map_err(Some)?;
                    n.spawn(async {
                        let stream = stream;
                        let mut byte = [0];
                        stream.receive_exact(&mut byte).await.map_err(Some)?;
                        stream.send_all(&byte).await.map_err(Some)?;
                        let mut served = served.lock().unwrap();
                        served[core.index()] += 1;
                        if served.iter().sum::<usize>() == CLIENTS { Err(None) } else { Ok(()) }
                    });
                }
            })
            .await
        })
    });
    let ended: Result<Vec<()>, _> = ended;
    let errors: Vec<Option<std::io::Error>> = ended.unwrap_err().into_iter().collect();
    assert!(matches!(errors[..], [None]), "{errors:?}");
    let served = served.into_inner().unwrap();
    assert_eq!(served.iter().sum::<usize>(), CLIENTS);
    if std::env::consts::OS == "linux" {
        assert!(served.iter().all(|count| *count > 0), "one core has got all: {served:?}");
    }
}
