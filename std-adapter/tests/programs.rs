//! Programs that end with their scope, on every system: each is this program, started again. `processes.rs` goes further, on
//! Unix.

#[path = "common/cut_off.rs"]
mod cut_off;
#[path = "../../core/tests/common/itself.rs"]
mod itself;

use std::cell::{Cell, RefCell};
use std::env;
use std::fs::File;
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::pin::pin;
use std::process::{Stdio, exit};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use cut_off::cut_off;
use giambio::process::{Child, NotStarted, Spawn, output, run_in, status};
use giambio::signal::{Signal, Signals};
use giambio::{cancel_scope, fail_after, finally, move_on_after, nursery, race, run, shield, sleep};
use itself::itself;

const LONG: Duration = Duration::from_secs(60);

/// What asks a program to end.
#[cfg(unix)]
const ORDER: Signal = Signal::TERM;
#[cfg(windows)]
const ORDER: Signal = Signal::BREAK;

/// What is no code of any program here: it could not be asked.
const UNASKED: i32 = -1;

/// What a program says first that is started again. What was there before is the test runner's.
const MARK: &[u8] = b"@@@\n";

/// The words with which the test runner of this program has one test alone.
fn only(test: &str) -> [&str; 3] {
    [test, "--exact", "--nocapture"]
}

/// This program, in another part.
fn part(part: &str) -> Spawn {
    Spawn::from(itself()).args(only("plays_a_part")).env("PART", part).stdin(Stdio::null())
}

/// The same, when nobody wants to hear it.
fn silent(name: &str) -> Spawn {
    part(name).stdout(Stdio::null())
}

/// The part that this program plays when it is started again.
#[test]
fn plays_a_part() {
    let Ok(part) = env::var("PART") else { return };
    let mark = || {
        let mut stdout = io::stdout();
        stdout.write_all(MARK).and_then(|()| stdout.flush()).unwrap();
    };
    let listens = |code: Option<i32>| {
        run(async {
            let mut orders = Signals::new([ORDER]).unwrap();
            mark();
            loop {
                orders.next().await.unwrap();
                if let Some(code) = code {
                    exit(code);
                }
            }
        })
    };
    let (name, number) = part.split_once(' ').unwrap_or((&part, ""));
    match name {
        "end" => exit(number.parse().unwrap()),
        "sleep" => {
            mark();
            thread::sleep(Duration::from_secs(1000));
        }
        "polite" => listens(Some(5)),
        "deaf" => listens(None),
        "cat" => {
            mark();
            thread::sleep(Duration::from_millis(number.parse().unwrap_or(0)));
            io::copy(&mut io::stdin(), &mut io::stdout()).unwrap();
        }
        "both" => {
            mark();
            io::copy(&mut io::stdin(), &mut io::stderr()).unwrap();
            io::stdout().write_all(&vec![b'x'; number.parse().unwrap()]).unwrap();
        }
        "count" => {
            mark();
            for n in 0..number.parse().unwrap() {
                println!("{n}");
                thread::sleep(Duration::from_millis(3));
            }
        }
        "nothing" => {
            mark();
            // As one that writes what it has, without looking whether that is something.
            let mut stdout = own_output();
            for _ in 0..20_000 {
                assert_eq!(stdout.write(&[]).unwrap(), 0);
            }
            stdout.write_all(b"something").unwrap();
            while number.is_empty() && stdout.write(&[]).is_ok() {}
        }
        "parent" => {
            let child = itself().args(only("plays_a_part")).env("PART", "sleep").spawn().unwrap();
            thread::sleep(Duration::from_millis(number.parse().unwrap()));
            drop(child);
        }
        other => panic!("there is no part {other:?}"),
    }
    exit(0);
}

/// The output of this program, with nothing in between.
fn own_output() -> File {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned();
    own.unwrap().into()
}

/// Runs, and no longer than is bearable.
fn bounded<T>(work: impl Future<Output = T>) -> T {
    run(fail_after(LONG, work)).expect("nothing hangs")
}

/// What comes behind the mark.
fn own(said: &[u8]) -> &[u8] {
    let at = said.windows(MARK.len()).position(|bytes| bytes == MARK).expect("the part says its mark");
    &said[at + MARK.len()..]
}

/// Waits for the mark of a program.
async fn marked(child: &Child) {
    let mut said = Vec::new();
    while !said.ends_with(MARK) {
        let mut byte = [0];
        child.stdout().unwrap().receive_exact(&mut byte).await.unwrap();
        said.push(byte[0]);
    }
}

/// A pipe that is at its end when nobody has `spawn`'s output any more: neither it nor what it has started.
fn watched(spawn: Spawn) -> (Spawn, PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    (spawn.stdout(writer), reader)
}

/// Nobody has the other end any more, or will not in a moment.
fn assert_over(mut reader: PipeReader) {
    let (told, tells) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut rest = Vec::new();
        told.send(reader.read_to_end(&mut rest).map(|_| ())).unwrap();
    });
    tells.recv_timeout(LONG).expect("a program goes on").unwrap();
}

/// Waits on this thread until a mark has come.
fn wait_for_mark(reader: &mut PipeReader) {
    let mut said = Vec::new();
    while !said.ends_with(MARK) {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
}

#[test]
fn a_program_that_ends_by_itself_is_waited_for() {
    bounded(async {
        assert_eq!(status(silent("end 7")).await.unwrap().code(), Some(7));
        let said = output(part("both 10")).await.unwrap();
        assert_eq!((own(&said.stdout), said.status.code()), (&[b'x'; 10][..], Some(0)));
        let (id, ended) = run_in(silent("end 2"), async |child| {
            let waits = || async { child.wait().await.unwrap().code() };
            let (mut one, mut two) = (pin!(waits()), pin!(waits()));
            // Both are told, and each later one.
            let all =
                (one.as_mut().await, two.as_mut().await, waits().await, child.try_wait().unwrap().unwrap().code());
            assert_eq!(all, (Some(2), Some(2), Some(2), Some(2)));
            // What is sent now goes to nobody.
            child.signal(ORDER).unwrap();
            child.kill().unwrap();
            child.id()
        })
        .await
        .unwrap();
        assert!(id > 0 && ended.code() == Some(2));
    });
}

#[test]
fn the_child_ends_when_the_body_does() {
    bounded(async {
        let (sleeps, reader) = watched(part("sleep").grace(Duration::ZERO));
        let (value, ended) = run_in(sleeps, async |child| child.try_wait().unwrap()).await.unwrap();
        assert!(value.is_none() && !ended.success());
        assert_over(reader);
    });
}

#[test]
fn a_cancelled_scope_ends_the_child_before_it_is_left() {
    bounded(async {
        let (sleeps, reader) = watched(part("sleep").grace(Duration::ZERO));
        let is_over = Cell::new(false);
        let work = run_in(sleeps, async |child| {
            let wait = async { child.wait().await.map(drop) };
            finally(wait, async || {
                is_over.set(child.try_wait().unwrap().is_some());
            })
            .await
        });
        assert!(move_on_after(Duration::from_millis(50), work).await.is_none());
        assert!(!is_over.get(), "the body is dropped first");
        assert_over(reader);
    });
}

#[test]
fn in_cancelled_code_nothing_is_started() {
    bounded(async {
        let (sleeps, reader) = watched(part("sleep"));
        let ended = cancel_scope(async |scope| {
            scope.cancel();
            status(sleeps).await
        })
        .await;
        assert!(ended.is_err());
        assert_over(reader);
    });
}

#[test]
fn what_is_dropped_without_a_cancellation_is_killed() {
    bounded(async {
        let (sleeps, reader) = watched(part("sleep"));
        let mut work = Box::pin(run_in(sleeps, async |_| pending::<()>().await));
        poll_fn(|cx| {
            assert!(work.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(work);
        assert_over(reader);
    });
}

#[test]
fn what_is_asked_to_end_is_waited_for_within_the_grace_and_what_can_not_be_asked_is_not() {
    bounded(async {
        let polite = || part("polite").stdout(Stdio::piped()).grace(LONG * 2);
        let (code, _) = run_in(polite(), async |child| {
            marked(child).await;
            match child.signal(ORDER) {
                Ok(()) => child.wait().await.unwrap().code(),
                // Wine 8 presses no Ctrl+Break; and there may be no console.
                Err(_) if cfg!(windows) => Some(UNASKED),
                Err(error) => panic!("{error}"),
            }
        })
        .await
        .unwrap();
        let (_, ended) = run_in(polite(), marked).await.unwrap();
        match code {
            Some(UNASKED) => assert!(!ended.success() && ended.code() != Some(5)),
            code => assert_eq!((code, ended.code()), (Some(5), Some(5))),
        }
    });
}

#[test]
fn what_does_not_want_to_end_is_killed_after_its_grace_and_no_sooner() {
    bounded(async {
        let grace = Duration::from_millis(80);
        // Who can't be asked may still see that its input is over.
        let deaf = part("deaf").stdin(Stdio::piped()).stdout(Stdio::piped()).grace(grace);
        let left = Cell::new(Instant::now());
        let (_, ended) = run_in(deaf, async |child| {
            marked(child).await;
            left.set(Instant::now());
        })
        .await
        .unwrap();
        assert!(!ended.success() && left.get().elapsed() >= grace);
    });
}

/// tokio#4312, rust-subprocess#61, swift-subprocess#243.
#[test]
fn a_group_ends_with_its_scope_as_a_whole() {
    bounded(async {
        let (parent, mut reader) = watched(part("parent 1000000").group(true).grace(Duration::ZERO));
        run_in(parent, async |_| wait_for_mark(&mut reader)).await.unwrap();
        assert_over(reader);
        // Dropped.
        let (parent, mut reader) = watched(part("parent 1000000").group(true));
        let mut work = Box::pin(run_in(parent, async |_| pending::<()>().await));
        poll_fn(|cx| {
            assert!(work.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        wait_for_mark(&mut reader);
        drop(work);
        assert_over(reader);
    });
}

#[test]
fn what_a_leader_leaves_of_its_group_does_not_hold_up_its_output() {
    bounded(async {
        let said = output(part("parent 300").group(true)).await.unwrap();
        assert!(said.status.success());
    });
}

#[test]
fn more_input_than_a_pipe_holds_comes_back_whole() {
    let data: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    bounded(async {
        let cat = part("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ((out, err), ended) = run_in(cat, async |child| {
            let said = child.communicate(&data).await.unwrap();
            child.wait().await.unwrap();
            said
        })
        .await
        .unwrap();
        assert!(own(&out) == data && err.is_empty() && ended.success());
        // Both outputs full at once, and input that waits for them.
        let both = part("both 500000").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ((out, err), _) =
            run_in(both, async |child| child.communicate(&data[..400_000]).await.unwrap()).await.unwrap();
        assert!(own(&out).len() == 500_000 && err == data[..400_000]);
    });
}

#[test]
fn what_was_sent_is_delivered_though_the_input_is_closed() {
    let data: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    bounded(async {
        let late = part("cat 100").stdin(Stdio::piped()).stdout(Stdio::piped());
        let (said, _) = run_in(late, async |child| {
            nursery(async |n| {
                n.spawn(async {
                    let stdin = child.stdin().unwrap();
                    stdin.send_all(&data).await?;
                    stdin.close();
                    Ok::<_, io::Error>(())
                });
                child.stdout().unwrap().receive_to_end(usize::MAX).await
            })
            .await
        })
        .await
        .unwrap();
        assert!(own(&said.unwrap()) == data);
    });
}

#[test]
fn one_that_does_not_read_its_input_breaks_the_pipe_and_that_is_no_error_of_communicate() {
    let data = vec![0; 1 << 20];
    bounded(async {
        let ends = || part("end 3").stdin(Stdio::piped()).stdout(Stdio::piped());
        run_in(ends(), async |child| {
            let error = child.stdin().unwrap().send_all(&data).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
        })
        .await
        .unwrap();
        let (said, ended) = run_in(ends(), async |child| {
            let said = child.communicate(&data).await;
            child.wait().await.unwrap();
            said
        })
        .await
        .unwrap();
        assert!(said.is_ok() && ended.code() == Some(3));
    });
}

/// On Windows that comes, as nothing.
#[test]
fn a_program_that_writes_nothing_over_and_over_is_not_at_its_end_and_keeps_nobody() {
    bounded(async {
        let writes = part("nothing and ends").stdout(Stdio::piped());
        let said = output(writes).await.unwrap();
        assert_eq!(own(&said.stdout), b"something");
        let writes = part("nothing").stdout(Stdio::piped()).grace(Duration::ZERO);
        run_in(writes, async |child| {
            marked(child).await;
            let stdout = child.stdout().unwrap();
            stdout.receive_exact(&mut [0; 9]).await.unwrap();
            assert!(move_on_after(Duration::from_millis(100), stdout.receive(&mut [0])).await.is_none());
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_receive_that_is_cancelled_loses_nothing_and_two_at_once_are_told() {
    let numbers: String = (0..50).map(|n| format!("{n}\n")).collect();
    bounded(async {
        let counts = part("count 50").stdout(Stdio::piped());
        let (said, _) = run_in(counts, async |child| {
            let stdout = child.stdout().unwrap();
            let mut said = Vec::new();
            let mut buffer = [0; 3];
            loop {
                match move_on_after(Duration::from_millis(1), stdout.receive(&mut buffer)).await {
                    None => {}
                    Some(Ok(0)) => break said,
                    Some(received) => said.extend(&buffer[..received.unwrap()]),
                }
            }
        })
        .await
        .unwrap();
        assert_eq!(String::from_utf8_lossy(own(&said)), numbers);
        let sleeps = part("sleep").stdout(Stdio::piped()).grace(Duration::ZERO);
        run_in(sleeps, async |child| {
            marked(child).await;
            let stdout = child.stdout().unwrap();
            let (mut one, mut two) = ([0], [0]);
            assert_eq!(stdout.try_receive(&mut two).unwrap_err().kind(), ErrorKind::WouldBlock);
            let mut first = Box::pin(stdout.receive(&mut one));
            assert!(move_on_after(Duration::ZERO, &mut first).await.is_none());
            assert_eq!(stdout.receive(&mut two).await.unwrap_err().kind(), ErrorKind::ResourceBusy);
            stdout.close();
            assert!(giambio::fd::Closed::is_cause_of(&first.await.unwrap_err()));
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_child_may_be_killed_and_no_other_number_is_a_signal() {
    bounded(async {
        let (_, ended) = run_in(silent("sleep"), async |child| {
            assert_eq!(child.signal(Signal::from_raw(-1)).unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(child.try_wait().unwrap(), None);
            child.kill().unwrap();
            assert!(!child.wait().await.unwrap().success());
        })
        .await
        .unwrap();
        assert!(!ended.success());
    });
}

#[test]
fn a_body_that_panics_ends_the_child_first() {
    let (sleeps, reader) = watched(part("sleep").grace(Duration::ZERO));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bounded(run_in(sleeps, async |_| {
            sleep(Duration::from_millis(1)).await;
            panic!("the body's own");
        }))
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"the body's own"));
    assert_over(reader);
}

/// How it is said that something can't be started: of which kind, with which words.
async fn refused(spawn: Spawn) -> (ErrorKind, String) {
    let error = status(spawn).await.unwrap_err();
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<NotStarted>());
    assert!(error.to_string().contains(&*inside.expect("it names the path").program().to_string_lossy()), "{error}");
    (error.kind(), error.to_string())
}

#[test]
fn what_can_not_be_started_is_named() {
    bounded(async {
        assert_eq!(refused(Spawn::new("giambio-no-such-program")).await.0, ErrorKind::NotFound);
        let nowhere = env::temp_dir().join("giambio-no-such-directory");
        let (_, text) = refused(part("end 0").current_dir(&nowhere)).await;
        assert!(text.contains(&*nowhere.to_string_lossy()), "{text}");
        assert_eq!(refused(Spawn::new("a\0b")).await.0, ErrorKind::InvalidInput);
        assert_eq!(refused(part("end 0").arg("a\0b")).await.0, ErrorKind::InvalidInput);
    });
}

#[test]
fn programs_are_put_in_a_row_by_pipes() {
    bounded(async {
        let (from_first, to_second) = io::pipe().unwrap();
        let first = part("count 3").stdout(to_second);
        let second = part("cat").stdin(from_first);
        nursery(async |n| {
            n.spawn(async { status(first).await.map(drop) });
            let said = output(second).await?;
            // The first one's mark comes through, too.
            assert_eq!(own(own(&said.stdout)), b"0\n1\n2\n");
            Ok::<_, io::Error>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn the_first_of_two_programs_ends_the_other() {
    bounded(async {
        let (sleeps, reader) = watched(part("sleep").grace(Duration::ZERO));
        let quick = async { status(silent("end 0")).await.map(|_| "quick") };
        let slow = async { run_in(sleeps, async |child| child.wait().await.map(|_| "slow")).await?.0 };
        assert_eq!(race((slow, quick)).await.unwrap(), "quick");
        assert_over(reader);
    });
}

/// `cancel_everywhere` runs in virtual time, where no program does: so this is the same by the clock of the wall. Each case
/// is cut off at each of its suspensions, cancelled and dropped.
#[test]
fn cut_off_at_each_place_where_they_wait_they_leave_no_child() {
    let data = vec![1; 10_000];
    let cases: [fn() -> Spawn; 2] = [|| part("cat"), || part("cat").group(true)];
    for (case, is_dropped) in cases.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        for place in 0.. {
            let readers = RefCell::new(Vec::new());
            let ended = bounded(async {
                let (reader, writer) = io::pipe().unwrap();
                let piped = case().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(writer);
                let work = run_in(piped.grace(Duration::ZERO), async |child| {
                    readers.borrow_mut().push(reader);
                    child.communicate(&data).await.unwrap();
                    child.wait().await.unwrap();
                });
                cut_off(place, is_dropped, work).await
            });
            readers.into_inner().into_iter().for_each(assert_over);
            if ended {
                break;
            }
        }
    }
}

/// A shielded wait is not cut off, and the program is there until it is over.
#[test]
fn a_shield_keeps_the_program_until_its_work_is_done() {
    bounded(async {
        let done = Cell::new(false);
        let cat = part("cat 30").stdin(Stdio::piped()).stdout(Stdio::piped()).grace(Duration::ZERO);
        let work = run_in(cat, async |child| {
            shield(async {
                let (said, _) = child.communicate(b"meow").await.unwrap();
                assert_eq!(own(&said), b"meow");
                done.set(true);
            })
            .await;
        });
        move_on_after(Duration::from_millis(5), work).await;
        assert!(done.get());
    });
}
