//! `serve`: over sockets, and in virtual time over connections that are numbers.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io::{self, ErrorKind, Read};
use std::net;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::common::{kind, settle};
use giambio::channel::Unbounded;
use giambio::net::{Accept, Counts, TcpListener, TcpStream, serve};
use giambio::sync::Event;
use giambio::testing::cancel_everywhere;
use giambio::{
    Debugger, TaskInfo, builder, cancel_scope, checkpoint, clock, fail_after, finally, is_stopping, move_on_after,
    nursery, run, sleep, stopping, testing, until_stopped,
};

const SECOND: Duration = Duration::from_secs(1);

/// Those who call, each a number, or an error of the system's.
#[derive(Default)]
struct Calls {
    waiting: Unbounded<io::Result<u32>>,
    is_closed: Cell<bool>,
}

impl Calls {
    /// So many who wait.
    fn of(number: u32) -> Calls {
        let calls = Calls::default();
        (0..number).for_each(|call| calls.comes(Ok(call)));
        calls
    }

    fn comes(&self, call: io::Result<u32>) {
        assert!(self.waiting.send(call).is_ok());
    }

    #[cfg(unix)]
    fn fail(&self, errno: i32) {
        self.comes(Err(io::Error::from_raw_os_error(errno)));
    }
}

impl Accept for Calls {
    type Stream = u32;
    type Peer = u32;

    async fn accept(&self) -> io::Result<(u32, u32)> {
        assert!(!self.is_closed.get(), "who is closed is asked");
        let call = self.waiting.receive().await.unwrap()?;
        Ok((call, call))
    }

    fn close(&self) {
        self.is_closed.set(true);
    }
}

/// A handler's answer that isn't wrong.
const FINE: Result<(), u32> = Ok(());

#[test]
fn each_connection_has_a_handler_that_borrows_and_all_are_served_at_once() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (greeting, peers, counts) = (String::from("hello"), RefCell::new(Vec::new()), Counts::new());
        let last = Event::new();
        let handler = async |stream: TcpStream, peer| {
            peers.borrow_mut().push(peer);
            if peers.borrow().len() == 3 {
                last.set();
            }
            last.wait().await; // they are all here
            stream.send_all(greeting.as_bytes()).await.unwrap();
        };
        nursery(async |n| {
            let clients: Vec<_> = (0..3).map(|_| net::TcpStream::connect(address).unwrap()).collect();
            n.spawn(async { serve(listener, handler).counts(&counts).await });
            last.wait().await;
            for mut client in clients {
                while counts.finished() < 3 {
                    checkpoint().await;
                }
                let mut text = String::new();
                client.read_to_string(&mut text).unwrap();
                assert_eq!(text, "hello");
                assert!(peers.borrow().contains(&client.local_addr().unwrap()));
            }
            n.ask_to_stop();
            Ok::<_, io::Error>(())
        })
        .await
        .unwrap();
        assert_eq!((counts.accepted(), counts.peak(), counts.now(), counts.cut_off()), (3, 3, 0, 0));
    });
}

#[test]
fn connections_have_a_name_that_can_be_read_or_the_one_that_they_are_given() {
    struct Names<'a>(&'a RefCell<Vec<String>>);
    impl Debugger for Names<'_> {
        fn on_task_spawn(&self, task: TaskInfo<'_>) {
            self.0.borrow_mut().push(task.name.to_owned());
        }
    }

    for (given, limited) in [(false, false), (false, true), (true, false), (true, true)] {
        let (names, left) = (RefCell::new(Vec::new()), Event::new());
        builder().debugger(Names(&names)).run(async {
            let calls = Calls::of(2);
            let mut server = serve(&calls, async |call, _| {
                if call == 1 {
                    left.set()
                }
            })
            .stop_when(left.wait());
            if given {
                server = server.name(|peer| format!("caller {peer}"));
            }
            if limited {
                server = server.time_limit(SECOND);
            }
            server.await.unwrap();
        });
        let expected = if given { ["accept", "caller 0", "caller 1"] } else { ["accept", "connection", "connection"] };
        assert_eq!(names.into_inner(), expected);
    }
}

#[test]
fn more_than_the_limit_wait_before_they_are_accepted() {
    testing::run(async {
        let (calls, counts) = (Calls::of(7), Counts::new());
        let handler = async |call, _| {
            assert!(counts.now() <= 2);
            assert!(counts.accepted() <= u64::from(call) + 2, "who can't be served is taken");
            sleep(SECOND).await;
        };
        serve(&calls, handler).limit(2).counts(&counts).stop_when(sleep(5 * SECOND)).await.unwrap();
        assert_eq!((counts.finished(), counts.peak()), (7, 2));
    });
}

#[test]
#[should_panic(expected = "`limit(0)` would serve nobody")]
fn a_limit_of_zero_is_refused_at_once() {
    drop(serve(Calls::of(0), async |_, _| {}).limit(0));
}

#[test]
fn the_listener_is_closed_before_a_handler_hears_of_the_stop() {
    run(async {
        for by_the_scope_around in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let _client = net::TcpStream::connect(address).unwrap();
            let (begun, asked, refused) = (Event::new(), Event::new(), Cell::new(false));
            let handler = async |_: TcpStream, _| {
                begun.set();
                stopping().await;
                refused.set(kind(net::TcpStream::connect(address)) == Some(ErrorKind::ConnectionRefused));
            };
            let stop = async {
                asked.wait().await;
                if by_the_scope_around {
                    pending().await
                }
            };
            nursery(async |n| {
                n.spawn(async { serve(listener, handler).stop_when(stop).await });
                begun.wait().await;
                settle().await;
                asked.set();
                if by_the_scope_around {
                    n.ask_to_stop();
                }
                Ok::<_, io::Error>(())
            })
            .await
            .unwrap();
            assert!(refused.get());
        }
    });
}

#[test]
fn who_is_idle_leaves_at_once_and_who_is_not_finishes() {
    testing::run(async {
        let (calls, counts) = (Calls::of(3), Counts::new());
        let handler = async |call, _| match call {
            0 => sleep(10 * SECOND).await, // at work
            _ => assert!(until_stopped(pending::<()>()).await.is_none()),
        };
        nursery(async |n| {
            n.spawn(async { serve(&calls, handler).counts(&counts).await });
            sleep(SECOND).await;
            n.ask_to_stop();
            sleep(Duration::ZERO).await;
            assert_eq!((counts.now(), counts.finished()), (1, 2));
            Ok::<_, io::Error>(())
        })
        .await
        .unwrap();
        assert_eq!((clock().as_nanos(), counts.finished()), (10_000_000_000, 3));
    });
}

#[test]
fn who_does_not_end_in_the_grace_is_cancelled_and_cleans_up() {
    testing::run(async {
        let (calls, counts, cleaned) = (Calls::of(2), Counts::new(), Cell::new(0));
        let handler = async |_, _| {
            finally(pending::<()>(), async || {
                sleep(SECOND).await;
                cleaned.set(cleaned.get() + 1);
            })
            .await;
        };
        serve(&calls, handler).grace(5 * SECOND).counts(&counts).stop_when(sleep(SECOND)).await.unwrap();
        assert_eq!((cleaned.get(), counts.cut_off(), counts.now()), (2, 2, 0));
        assert_eq!(clock().as_nanos(), 7_000_000_000);
    });
}

#[test]
fn a_grace_is_over_when_the_last_has_ended() {
    testing::run(async {
        let calls = Calls::of(2);
        serve(&calls, async |_, _| stopping().await).grace(100 * SECOND).stop_when(sleep(SECOND)).await.unwrap();
        assert_eq!(clock().as_nanos(), 1_000_000_000);
    });
}

#[test]
fn a_grace_of_zero_cancels_at_once() {
    testing::run(async {
        let (calls, counts) = (Calls::of(2), Counts::new());
        let server = serve(&calls, async |_, _| pending::<()>().await).grace(Duration::ZERO);
        server.counts(&counts).stop_when(sleep(SECOND)).await.unwrap();
        assert_eq!((clock().as_nanos(), counts.cut_off()), (1_000_000_000, 2));
    });
}

#[test]
fn what_a_handler_has_started_is_waited_for_too() {
    testing::run(async {
        let (calls, done) = (Calls::of(1), Cell::new(false));
        let handler = async |_, _| {
            let upgraded = nursery(async |n| {
                n.spawn(async {
                    stopping().await; // it hears of it, too
                    sleep(SECOND).await;
                    done.set(true);
                    Ok::<_, io::Error>(())
                });
                Ok(())
            });
            upgraded.await.unwrap();
        };
        serve(&calls, handler).stop_when(sleep(SECOND)).await.unwrap();
        assert!(done.get());
    });
}

#[test]
fn a_server_that_was_asked_to_stop_before_accepts_nobody() {
    testing::run(async {
        let (calls, counts) = (Calls::of(1), Counts::new());
        cancel_scope(async |scope| {
            scope.ask_to_stop();
            serve(&calls, async |_, _| {}).counts(&counts).await.unwrap();
        })
        .await
        .unwrap();
        assert_eq!((counts.accepted(), calls.is_closed.get(), calls.waiting.len()), (0, true, 1));
    });
}

#[test]
fn an_error_of_a_handler_is_told_and_ends_nothing() {
    testing::run(async {
        let (calls, told, counts) = (Calls::of(3), RefCell::new(Vec::new()), Counts::new());
        let server = serve(&calls, async |call, _| if call == 1 { Err(call * 10) } else { FINE });
        let server = server.on_error(|peer, error| told.borrow_mut().push((peer, error)));
        server.counts(&counts).stop_when(sleep(SECOND)).await.unwrap();
        assert_eq!(*told.borrow(), [(1, 10)]);
        assert_eq!((counts.failed(), counts.finished()), (1, 2));
    });
}

#[derive(Debug, PartialEq)]
enum Down {
    Listener(ErrorKind),
    Client(u32),
}

impl From<io::Error> for Down {
    fn from(error: io::Error) -> Down {
        Down::Listener(error.kind())
    }
}

#[test]
fn an_error_that_the_hook_returns_is_the_servers() {
    testing::run(async {
        let (calls, counts) = (Calls::of(3), Counts::new());
        let handler = async |call, _| {
            if call == 2 {
                return Err(call);
            }
            pending().await
        };
        let server = serve(&calls, handler).on_error(|_, error| Err(Down::Client(error)));
        assert_eq!(server.counts(&counts).await, Err(Down::Client(2)));
        assert_eq!((counts.cut_off(), counts.failed(), calls.is_closed.get()), (2, 1, true));
    });
}

#[test]
fn a_panic_of_a_handler_comes_out_and_nothing_is_left() {
    let (calls, counts) = (Calls::of(2), Counts::new());
    let server = async {
        let handler = async |call, _| {
            sleep(SECOND).await;
            assert_eq!(call, 0, "the second has a fault");
            pending::<()>().await;
        };
        serve(&calls, handler).counts(&counts).await.unwrap();
    };
    let panic = catch_unwind(AssertUnwindSafe(|| testing::run(server))).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("the second has a fault"));
    assert_eq!((counts.cut_off(), counts.now(), calls.is_closed.get()), (2, 0, true));
}

#[test]
fn whose_time_is_over_is_cancelled_and_counted() {
    testing::run(async {
        let (calls, counts, cleaned) = (Calls::of(2), Counts::new(), Cell::new(false));
        let handler = async |call, _| match call {
            0 => sleep(SECOND).await,
            _ => finally(pending(), async || cleaned.set(true)).await,
        };
        let server = serve(&calls, handler).time_limit(3 * SECOND).counts(&counts);
        server.stop_when(sleep(5 * SECOND)).await.unwrap();
        assert_eq!((counts.finished(), counts.timed_out(), counts.cut_off()), (1, 1, 0));
        assert!(cleaned.get());
    });
}

#[test]
#[cfg(unix)]
fn errors_of_a_connection_are_passed_over_and_those_of_the_listener_end_the_server() {
    testing::run(async {
        let (calls, counts) = (Calls::default(), Counts::new());
        for errno in [libc::ECONNABORTED, libc::EPROTO, libc::EPERM] {
            calls.fail(errno);
            calls.comes(Ok(0));
        }
        calls.fail(libc::EBADF);
        let ended = serve(&calls, async |_, _| sleep(SECOND).await).counts(&counts).await;
        assert_eq!(ended.unwrap_err().raw_os_error(), Some(libc::EBADF));
        assert_eq!((counts.accepted(), counts.shortages(), counts.cut_off()), (3, 0, 3));
        assert_eq!(clock().as_nanos(), 0, "there was nothing to wait for");
    });
}

#[test]
#[cfg(unix)]
fn want_of_descriptors_is_waited_out_and_told_once() {
    testing::run(async {
        let (calls, counts, told) = (Calls::default(), Counts::new(), RefCell::new(Vec::new()));
        for errno in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM].repeat(25) {
            calls.fail(errno);
            calls.comes(Ok(0));
        }
        let server = serve(&calls, async |_, _| {}).on_shortage(|error| told.borrow_mut().push(error.raw_os_error()));
        let later = async {
            sleep(100 * SECOND).await;
            calls.fail(libc::EMFILE);
            sleep(SECOND).await;
        };
        server.counts(&counts).stop_when(later).await.unwrap();
        assert_eq!((counts.accepted(), counts.shortages()), (100, 101));
        assert_eq!(*told.borrow(), [Some(libc::EMFILE); 2], "the want that comes again much later is another one");
    });
}

#[test]
fn who_is_cancelled_has_closed_its_listener_before_clean_ups_end() {
    testing::run(async {
        let calls = Calls::of(1);
        let handler = async |_, _| {
            finally(pending::<()>(), async || {
                sleep(SECOND).await;
                assert!(calls.is_closed.get());
            })
            .await;
        };
        assert!(move_on_after(SECOND, serve(&calls, handler)).await.is_none());
        assert_eq!(clock().as_nanos(), 2_000_000_000);
    });
}

#[test]
fn cut_off_anywhere_it_leaves_no_connection_without_an_end() {
    let world = || Rc::new((Calls::of(4), Counts::new(), Cell::new(0)));
    let last = RefCell::new(world());
    let work = || {
        let world = world();
        last.replace(Rc::clone(&world));
        async move {
            let (calls, counts, served) = &*world;
            let handler = async |call, _| {
                let _end = End(served);
                sleep(SECOND * (call + 1)).await;
                if call == 1 { Err(call) } else { FINE }
            };
            let server = serve(calls, handler).limit(2).grace(SECOND).time_limit(3 * SECOND).counts(counts);
            server.on_error(|_, _| ()).stop_when(sleep(4 * SECOND)).await
        }
    };
    let runs = cancel_everywhere(work, |ended| {
        let world = last.borrow();
        let (calls, counts, served) = &**world;
        assert_eq!(counts.now(), 0);
        assert_eq!(counts.accepted() + calls.waiting.len() as u64, 4, "one was accepted and is lost");
        assert!(served.get() <= counts.accepted());
        assert!(counts.accepted() == 0 || calls.is_closed.get());
        let ends = counts.finished() + counts.failed() + counts.timed_out() + counts.cut_off();
        assert_eq!(ends, counts.accepted());
        assert!(ended.is_none_or(|ended| ended.is_ok()));
    });
    assert!(runs > 10, "{runs}");
}

/// Counts itself when it is dropped.
struct End<'a>(&'a Cell<u64>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_stop_of_many_polls_each_of_them_a_few_times() {
    testing::run(async {
        const MANY: u32 = 10_000;
        let (calls, polls) = (Calls::of(MANY), Cell::new(0));
        let handler = async |_, _| {
            let mut stopping = std::pin::pin!(stopping());
            std::future::poll_fn(|cx| {
                polls.set(polls.get() + 1);
                stopping.as_mut().poll(cx)
            })
            .await;
        };
        serve(&calls, handler).stop_when(sleep(SECOND)).await.unwrap();
        assert!(polls.get() <= 3 * MANY, "{} polls", polls.get());
    });
}

#[test]
fn as_long_as_nobody_asks_for_a_stop_there_is_none() {
    testing::run(async {
        let calls = Calls::of(1);
        let handler = async |_, _| assert!(!is_stopping());
        let ended = fail_after(SECOND, serve(&calls, handler)).await;
        assert!(ended.is_err(), "it serves on");
    });
}

#[test]
#[cfg(unix)]
fn sockets_with_a_path_are_served_in_the_same_words() {
    use crate::common::Place;
    use giambio::net::unix::{UnixListener, UnixStream};
    use std::io::Write;
    let Place(path) = &Place::new("serve");
    run(async {
        let listener = UnixListener::bind(path).unwrap();
        let mut client = std::os::unix::net::UnixStream::connect(path).unwrap();
        client.write_all(b"hello").unwrap();
        let done = Event::new();
        let handler = async |stream: UnixStream, _| {
            let mut text = [0; 5];
            stream.receive_exact(&mut text).await?;
            assert_eq!(&text, b"hello");
            done.set();
            Ok::<_, io::Error>(())
        };
        let server = serve(listener, handler).on_error(|peer, error| eprintln!("{peer:?}: {error}"));
        server.stop_when(done.wait()).await.unwrap();
    });
}
