//! Programs that end with their scope. What is there afterwards is looked at in `processes_leave_nothing.rs`.
#![cfg(unix)]

#[path = "common/child.rs"]
mod child;
#[path = "common/cut_off.rs"]
mod cut_off;

use std::cell::{Cell, RefCell};
use std::fs;
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use cut_off::cut_off;
use giambio::process::{Child, NotStarted, OutOfTime, Spawn, output, output_within, run_in, status};
use giambio::signal::Signal;
use giambio::stream::pipe;
use giambio::{cancel_scope, fail_after, finally, move_on_after, nursery, race, run, shield, sleep};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, getpgrp, kill_process, test_kill_process, waitpid};

const LONG: Duration = Duration::from_secs(30);

fn sh(script: &str) -> Spawn {
    Spawn::new("sh").args(["-c", script])
}

/// Runs, and no longer than is bearable.
fn bounded<T>(work: impl Future<Output = T>) -> T {
    run(fail_after(LONG, work)).expect("nothing hangs")
}

/// Is there such a process, running or a zombie?
fn is_there(id: u32) -> bool {
    test_kill_process(Pid::from_raw(id.cast_signed()).unwrap()).is_ok()
}

/// Nothing of the child is there any more: it was reaped.
fn assert_gone(id: u32) {
    let waited = waitpid(Pid::from_raw(id.cast_signed()), WaitOptions::NOHANG);
    assert_eq!(waited.err(), Some(Errno::CHILD), "it is a zombie, or runs");
    assert!(!is_there(id));
}

/// Waits until a process that is no child of ours is gone; its parent, or init, reaps it.
async fn until_gone(id: u32) {
    while is_there(id) && !is_zombie(id) {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Where /proc tells. Without an init that reaps, orphans stay zombies for ever.
fn is_zombie(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// What a child says first, as a number.
async fn number(child: &Child) -> u32 {
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        let mut byte = [0];
        child.stdout().unwrap().receive_exact(&mut byte).await.unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap().trim().parse().unwrap()
}

#[test]
fn a_program_that_ends_by_itself_is_waited_for() {
    bounded(async {
        assert_eq!(status(sh("exit 7")).await.unwrap().code(), Some(7));
        assert_eq!(status(sh("kill -9 $$")).await.unwrap().signal(), Some(9));
        let said = output(sh("echo out; echo err >&2; exit 3")).await.unwrap();
        assert_eq!((&*said.stdout, &*said.stderr), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(said.status.code(), Some(3));
        let (ids, ended) = run_in(sh("exit 2"), async |child| {
            let waits = || async { child.wait().await.unwrap().code() };
            let (mut one, mut two) = (pin!(waits()), pin!(waits()));
            // Both are told, and each later one.
            let both =
                (one.as_mut().await, two.as_mut().await, waits().await, child.try_wait().unwrap().unwrap().code());
            assert_eq!(both, (Some(2), Some(2), Some(2), Some(2)));
            child.id()
        })
        .await
        .unwrap();
        assert_eq!(ended.code(), Some(2));
        assert_gone(ids);
    });
}

/// What it has said when its time is over, and what the error says; with more time, until it has said so many bytes.
async fn out_of_time(script: &str, bytes: usize) -> (Box<OutOfTime>, String) {
    let mut given = Duration::from_millis(250);
    loop {
        let error = output_within(given, sh(script)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let text = error.to_string();
        let late = error.into_inner().unwrap().downcast::<OutOfTime>().unwrap();
        assert_eq!((late.program(), late.given()), ("sh".as_ref(), given));
        if late.output().stdout.len() + late.output().stderr.len() >= bytes {
            return (late, text);
        }
        given *= 2;
    }
}

#[test]
fn a_program_that_says_more_than_it_may_is_ended() {
    bounded(async {
        let limited = |script| sh(script).output_limit(5);
        for script in ["printf 12345", "printf 12345 >&2", "printf 12345; printf 12345 >&2"] {
            assert!(output(limited(script)).await.unwrap().status.success(), "{script}");
        }
        for script in
            ["printf 123456; exec sleep 1000", "printf 123456 >&2; exec sleep 1000", "exec yes", "exec yes >&2"]
        {
            for ended in [output(limited(script)).await, output_within(LONG, limited(script)).await] {
                let error = ended.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData, "{script}: {error}");
            }
        }
        // Whoever takes it in pieces has no limit.
        let (said, _) = run_in(limited("printf 123456").stdout(Stdio::piped()), async |child| {
            child.stdout().unwrap().receive_to_end(100).await
        })
        .await
        .unwrap();
        assert_eq!(said.unwrap(), b"123456");
    });
}

#[test]
fn what_a_program_has_said_in_its_time_is_known_though_it_does_not_end() {
    bounded(async {
        let (late, text) = out_of_time("echo out; echo err >&2; exec sleep 1000", 8).await;
        let Output { status, stdout, stderr } = late.output();
        assert_eq!((status.signal(), &**stdout, &**stderr), (Some(libc::SIGTERM), &b"out\n"[..], &b"err\n"[..]));
        assert!(text.contains("said 4 bytes, and 4 of complaints"), "{text}");
        // One of its outputs is over, and is not lost.
        let (late, _) = out_of_time("echo out; exec sleep 1000 >&-", 4).await;
        assert_eq!(late.output().stdout, b"out\n");
        // In time.
        let input = sh("cat; head -c 1000000 /dev/zero; exit 3").stdin(Stdio::piped());
        let said = output_within(LONG, input).await.unwrap();
        assert_eq!((said.stdout.len(), said.status.code()), (1_000_000, Some(3)));
    });
}

/// Nobody could send anything into them, or take it out.
#[test]
fn a_program_that_is_only_waited_for_finds_its_pipes_closed() {
    bounded(async {
        let waits_for_input = Spawn::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped());
        assert!(status(waits_for_input).await.unwrap().success());
        let says_more_than_a_pipe_holds = sh("head -c 1000000 /dev/zero").stdout(Stdio::piped());
        assert!(!status(says_more_than_a_pipe_holds).await.unwrap().success());
    });
}

#[test]
fn any_number_of_tasks_wait_for_a_child_and_those_that_give_up_hold_up_nobody() {
    bounded(run_in(Spawn::new("sleep").arg("0.05"), async |child| {
        nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async { child.wait().await.map(drop) });
            }
            for _ in 0..10 {
                n.spawn(async {
                    assert!(move_on_after(Duration::from_millis(1), child.wait()).await.is_none());
                    Ok(())
                });
            }
            Ok::<_, io::Error>(())
        })
        .await
        .unwrap();
    }))
    .unwrap();
}

/// In a thread of its own, for nothing cuts a shield short.
fn bounded_apart<F: Future>(work: impl FnOnce() -> F + Send + 'static) {
    let (ended, waits) = mpsc::channel();
    thread::spawn(move || {
        run(work());
        let _ = ended.send(());
    });
    waits.recv_timeout(LONG / 3).expect("it hangs, or panics");
}

#[test]
fn what_holds_cancelled_code_may_wait_for_the_child() {
    let soon = Duration::from_millis(50);
    bounded_apart(async move || {
        let waited = Cell::new(false);
        let work = run_in(Spawn::new("sleep").arg("0.3"), async |child| {
            let ended = shield(child.wait()).await;
            waited.set(ended.unwrap().success());
        });
        move_on_after(soon, work).await;
        assert!(waited.get());
    });
    bounded_apart(async move || {
        let waited = Cell::new(false);
        let cat = Spawn::new("cat").stdin(Stdio::piped());
        let work = run_in(cat, async |child| {
            finally(pending::<()>(), async || {
                child.stdin().unwrap().close();
                waited.set(child.wait().await.unwrap().success());
            })
            .await;
        });
        move_on_after(soon, work).await;
        assert!(waited.get());
    });
}

/// The end wakes who was the last to look.
#[test]
fn one_of_those_who_wait_in_cancelled_code_may_give_up() {
    for gives_up in [0, 1, 2] {
        bounded_apart(async move || {
            let waited = Cell::new(0);
            let work = run_in(Spawn::new("sleep").arg("0.3"), async |child| {
                nursery(async |n| {
                    for each in 0..3 {
                        let waited = &waited;
                        n.spawn(shield(async move {
                            let given = Duration::from_millis(if each == gives_up { 150 } else { 20_000 });
                            if let Some(ended) = move_on_after(given, child.wait()).await {
                                assert!(ended.unwrap().success());
                                waited.set(waited.get() + 1);
                            }
                            Ok::<_, io::Error>(())
                        }));
                    }
                    Ok(())
                })
                .await
            });
            move_on_after(Duration::from_millis(50), work).await;
            assert_eq!(waited.get(), 2);
        });
    }
}

#[test]
fn the_child_ends_when_the_body_does_and_is_reaped_before() {
    bounded(async {
        let (id, ended) = run_in(Spawn::new("sleep").arg("1000"), async |child| child.id()).await.unwrap();
        assert_eq!(ended.signal(), Some(libc::SIGTERM));
        assert_gone(id);
    });
}

#[test]
fn a_cancelled_scope_ends_the_child_before_it_is_left() {
    bounded(async {
        let id = Cell::new(0);
        let work = run_in(Spawn::new("sleep").arg("1000"), async |child| {
            id.set(child.id());
            pending::<()>().await;
        });
        assert!(move_on_after(Duration::from_millis(20), work).await.is_none());
        assert_gone(id.get());
    });
}

#[test]
fn in_cancelled_code_nothing_is_started() {
    let place = std::env::temp_dir().join(format!("giambio-not-started-{}", std::process::id()));
    bounded(async {
        let ended = cancel_scope(async |scope| {
            scope.cancel();
            status(Spawn::new("touch").arg(&place)).await
        })
        .await;
        assert!(ended.is_err() && !place.exists());
    });
}

#[test]
fn what_comes_on_sigterm_is_waited_for_within_the_grace() {
    bounded(async {
        let polite = sh("trap 'exit 5' TERM; echo 1; while :; do sleep 0.01; done").stdout(Stdio::piped());
        let (_, ended) = run_in(polite.grace(LONG), async |child| number(child).await).await.unwrap();
        assert_eq!(ended.code(), Some(5));
    });
}

#[test]
fn a_child_that_ignores_sigterm_is_killed_after_its_grace_and_no_sooner() {
    bounded(async {
        let deaf = || sh("trap '' TERM; echo 1; while :; do sleep 0.01; done").stdout(Stdio::piped());
        let grace = Duration::from_millis(80);
        let began = Instant::now();
        let (_, ended) = run_in(deaf().grace(grace), async |child| number(child).await).await.unwrap();
        assert_eq!(ended.signal(), Some(libc::SIGKILL));
        assert!(began.elapsed() >= grace);
        // Cancelled, too.
        let id = Cell::new(0);
        let work = run_in(deaf().grace(grace), async |child| {
            id.set(child.id());
            number(child).await;
            pending::<()>().await;
        });
        assert!(move_on_after(Duration::from_millis(50), work).await.is_none());
        assert_gone(id.get());
    });
}

/// It starts nothing, which would be halted, too, and keep it waiting.
#[test]
fn a_child_that_was_halted_goes_on_to_hear_that_it_is_to_end() {
    for is_group in [false, true] {
        bounded(async {
            let (silent, _kept) = io::pipe().unwrap();
            let polite = sh("trap 'exit 5' TERM; echo 1; read line").stdin(silent).stdout(Stdio::piped());
            let (_, ended) = run_in(polite.group(is_group).grace(LONG / 2), async |child| {
                number(child).await;
                child.signal(Signal::STOP).unwrap();
                let look =
                    || waitpid(Pid::from_raw(child.id().cast_signed()), WaitOptions::UNTRACED | WaitOptions::NOHANG);
                while !look().unwrap().is_some_and(|(_, status)| status.stopped()) {
                    sleep(Duration::from_millis(1)).await;
                }
            })
            .await
            .unwrap();
            assert_eq!(ended.code(), Some(5));
        });
    }
}

#[test]
fn without_a_grace_there_is_no_sigterm() {
    bounded(async {
        let polite = sh("trap 'exit 5' TERM; echo 1; while :; do sleep 0.01; done").stdout(Stdio::piped());
        let (_, ended) = run_in(polite.grace(Duration::ZERO), async |child| number(child).await).await.unwrap();
        assert_eq!(ended.signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_body_that_panics_ends_the_child_first() {
    let id = Cell::new(0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bounded(run_in(Spawn::new("sleep").arg("1000"), async |child| {
            id.set(child.id());
            sleep(Duration::from_millis(1)).await;
            panic!("the body's own");
        }))
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"the body's own"));
    assert_gone(id.get());
}

/// tokio#2685, tokio-process#51: a handle that is dropped leaves a process, or a zombie.
#[test]
fn what_is_dropped_without_a_cancellation_is_killed_and_reaped_by_whoever_is_left() {
    let id = Cell::new(0);
    bounded(async {
        // One that is left goes on for a while, and holds nobody's output.
        let stays = Spawn::new("sleep").arg("60").stdout(Stdio::null()).stderr(Stdio::null());
        let mut work = Box::pin(run_in(stays, async |child| {
            id.set(child.id());
            pending::<()>().await;
        }));
        poll_fn(|cx| {
            assert!(work.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(is_there(id.get()));
        drop(work);
        while is_there(id.get()) {
            sleep(Duration::from_millis(1)).await;
        }
    });
    assert_gone(id.get());
}

/// tokio#4312, rust-subprocess#61, swift-subprocess#243.
#[test]
fn a_group_ends_with_its_scope_as_a_whole() {
    let tree = || sh("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.01; done' & wait").stdout(Stdio::piped());
    bounded(async {
        let (grandchild, _) = run_in(tree().group(true), async |child| number(child).await).await.unwrap();
        until_gone(grandchild).await;
        let grandchild = Cell::new(0);
        let work = run_in(tree().group(true), async |child| {
            grandchild.set(number(child).await);
            pending::<()>().await;
        });
        nursery(async |n| {
            let task = n.spawn_value(async {
                work.await.unwrap();
                Ok::<_, ()>(())
            });
            while grandchild.get() == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            task.cancel();
            Ok(())
        })
        .await
        .unwrap();
        until_gone(grandchild.get()).await;
    });
}

#[test]
fn a_leader_that_goes_to_another_group_ends_all_the_same() {
    let ours = getpgrp().as_raw_nonzero();
    for is_dropped in [false, true] {
        let leaves = format!("$SIG{{TERM}} = 'IGNORE'; setpgrp(0, {ours}) or die; $| = 1; print \"$$\\n\"; sleep 60");
        let leader = Spawn::new("perl").args(["-e", &leaves]).stdout(Stdio::piped()).stderr(Stdio::null());
        bounded(async {
            let id = Cell::new(0);
            let mut work = Box::pin(run_in(leader.group(true).grace(Duration::from_millis(50)), async |child| {
                id.set(number(child).await);
                if is_dropped {
                    pending::<()>().await;
                }
            }));
            let left = poll_fn(|cx| match work.as_mut().poll(cx) {
                Poll::Pending if is_dropped && id.get() != 0 => Poll::Ready(None),
                polled => polled.map(Some),
            });
            let ended = left.await.map(|left| left.unwrap().1.signal());
            assert_eq!(ended, (!is_dropped).then_some(Some(libc::SIGKILL)));
            drop(work);
            until_gone(id.get()).await;
        });
    }
}

#[test]
fn a_group_that_is_dropped_is_killed_as_a_whole() {
    let tree = sh("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.01; done' & wait").stdout(Stdio::piped());
    bounded(async {
        let grandchild = Cell::new(0);
        let mut work = Box::pin(run_in(tree.group(true), async |child| {
            grandchild.set(number(child).await);
            pending::<()>().await;
        }));
        while grandchild.get() == 0 {
            poll_fn(|cx| {
                let _ = work.as_mut().poll(cx);
                Poll::Ready(())
            })
            .await;
            sleep(Duration::from_millis(1)).await;
        }
        drop(work);
        until_gone(grandchild.get()).await;
    });
}

#[test]
fn what_a_leader_leaves_of_its_group_does_not_hold_up_its_output() {
    bounded(async {
        let said = output(sh("sleep 60 2>/dev/null & echo $!").group(true)).await.unwrap();
        let left: u32 = String::from_utf8(said.stdout).unwrap().trim().parse().unwrap();
        until_gone(left).await;
    });
}

#[test]
fn a_program_that_has_ended_is_waited_for_though_its_output_is_held_open() {
    let end =
        |left: u32| kill_process(Pid::from_raw(left.cast_signed()).unwrap(), rustix::process::Signal::KILL).unwrap();
    bounded(async {
        let leaves_one = || sh("sleep 60 & echo $!").stdout(Stdio::piped());
        let (left, _) = run_in(leaves_one(), async |child| {
            assert!(child.wait().await.unwrap().success());
            number(child).await
        })
        .await
        .unwrap();
        end(left);
        // With its output it is waited for to the end of that, and no longer than there is time.
        let error = output_within(Duration::from_millis(300), leaves_one()).await.unwrap_err();
        let late = error.get_ref().and_then(|error| error.downcast_ref::<OutOfTime>()).unwrap();
        assert!(late.output().status.success());
        assert!(error.to_string().contains("had ended") && error.to_string().contains("keeps it open"), "{error}");
        end(String::from_utf8_lossy(&late.output().stdout).trim().parse().unwrap());
        // Nothing is something to say, too: the program hears that it is over.
        let listens = sh("cat; echo over").stdin(Stdio::piped()).stdout(Stdio::piped());
        let (said, _) = run_in(listens, async |child| child.communicate(b"").await).await.unwrap();
        assert_eq!(said.unwrap().0, b"over\n");
    });
}

#[test]
fn a_signal_reaches_a_child_and_one_to_a_reaped_child_does_nothing() {
    bounded(async {
        let counts = sh("trap 'echo 2' USR1; trap 'exit 0' TERM; echo 1; while :; do sleep 0.01; done");
        let child = run_in(counts.stdout(Stdio::piped()), async |child| {
            assert_eq!(number(child).await, 1);
            child.signal(Signal::USR1).unwrap();
            assert_eq!(number(child).await, 2);
            assert_eq!(child.signal(Signal::from_raw(-1)).unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(child.signal(Signal::from_raw(0)).unwrap_err().kind(), ErrorKind::InvalidInput);
            child.signal(Signal::TERM).unwrap();
            assert_eq!(child.wait().await.unwrap().code(), Some(0));
            assert_gone(child.id());
            child.signal(Signal::KILL).unwrap();
            child.kill().unwrap();
            child.id()
        });
        let (id, ended) = child.await.unwrap();
        assert!(id > 0 && ended.success());
    });
}

/// How it is said that something can't be started: of which kind, with which words.
async fn refused(spawn: Spawn) -> (ErrorKind, String) {
    let error = status(spawn).await.unwrap_err();
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<NotStarted>());
    assert!(error.to_string().contains(&*inside.expect("it names the path").program().to_string_lossy()), "{error}");
    (error.kind(), error.to_string())
}

struct Place(PathBuf);

impl Place {
    fn new(name: &str, text: &str, mode: u32) -> Place {
        let place = Place(std::env::temp_dir().join(format!("giambio-{name}-{}", std::process::id())));
        fs::write(&place.0, text).unwrap();
        fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).unwrap();
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn what_can_not_be_started_is_named_with_what_to_do_about_it() {
    bounded(async {
        let (kind, text) = refused(Spawn::new("/no/such/program")).await;
        assert_eq!(kind, ErrorKind::NotFound);
        assert!(text.contains("/no/such/program"), "{text}");
        assert_eq!(refused(Spawn::new("giambio-no-such-program")).await.0, ErrorKind::NotFound);
        let (kind, text) = refused(Spawn::new("true").current_dir("/no/such/directory")).await;
        assert!(kind == ErrorKind::NotFound && text.contains("/no/such/directory"), "{text}");
        let plain = Place::new("plain", "", 0o644);
        let (kind, text) = refused(Spawn::new(&plain.0)).await;
        assert!(kind == ErrorKind::PermissionDenied && text.contains("mode"), "{text}");
        assert_eq!(refused(Spawn::new("/")).await.0, ErrorKind::PermissionDenied);
        let garbage = Place::new("garbage", "\u{1}\u{2}\u{3}", 0o755);
        let (_, text) = refused(Spawn::new(&garbage.0)).await;
        assert!(text.contains("no program"), "{text}");
        let script = Place::new("script", "#!/no/such/interpreter\n", 0o755);
        let (kind, text) = refused(Spawn::new(&script.0)).await;
        assert!(kind == ErrorKind::NotFound && text.contains("first line"), "{text}");
        assert_eq!(refused(Spawn::new("a\0b")).await.0, ErrorKind::InvalidInput);
        assert_eq!(refused(Spawn::new("true").arg("a\0b")).await.0, ErrorKind::InvalidInput);
        let plain_text = Place::new("text", "", 0o644);
        assert!(matches!(refused(Spawn::new(plain_text.0.join("x"))).await.0, ErrorKind::NotADirectory));
        let (busy, _written) = busy_program("busy");
        let (kind, text) = refused(Spawn::new(&busy.0)).await;
        assert!(kind == ErrorKind::ExecutableFileBusy && text.contains("open for writing"), "{text}");
    });
}

/// A program, and what has it open for writing.
fn busy_program(name: &str) -> (Place, fs::File) {
    let place = Place::new(name, "#!/bin/sh\n", 0o755);
    let written = fs::OpenOptions::new().append(true).open(&place.0).unwrap();
    (place, written)
}

#[test]
fn a_program_that_was_written_just_now_is_started_when_it_is_closed() {
    bounded(nursery(async |n| {
        let (busy, written) = busy_program("written");
        n.spawn(async move {
            sleep(Duration::from_millis(20)).await;
            drop(written);
            Ok(())
        });
        assert!(status(Spawn::new(&busy.0)).await?.success());
        Ok::<(), io::Error>(())
    }))
    .unwrap();
}

#[test]
fn who_has_borrowed_its_input_does_not_keep_it_open() {
    bounded(async {
        let cat = Spawn::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped());
        let (said, ended) = run_in(cat, async |cat| {
            let _lent = cat.stdin().unwrap().as_fd();
            let (said, _) = cat.communicate(b"meow").await?;
            cat.wait().await?;
            io::Result::Ok(said)
        })
        .await
        .unwrap();
        assert_eq!(said.unwrap(), b"meow");
        assert!(ended.success());
    });
}

#[test]
fn more_input_than_a_pipe_holds_comes_back_whole() {
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    bounded(async {
        let cat = || Spawn::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ((out, err), ended) = run_in(cat(), async |child| {
            let said = child.communicate(&data).await.unwrap();
            child.wait().await.unwrap();
            said
        })
        .await
        .unwrap();
        assert!(out == data && err.is_empty() && ended.success());
        // Both outputs full at once, and input that waits for them.
        let both = sh("cat >&2; head -c 500000 /dev/zero");
        let both = both.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ((out, err), _) =
            run_in(both, async |child| child.communicate(&data[..400_000]).await.unwrap()).await.unwrap();
        assert!(out.len() == 500_000 && err == data[..400_000]);
        let said = output(sh("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero")).await.unwrap();
        assert_eq!((said.stdout.len(), said.stderr.len()), (300_000, 300_000));
    });
}

#[test]
fn a_child_that_does_not_read_its_input_breaks_the_pipe_and_that_is_no_error_of_communicate() {
    let data = vec![0; 1 << 20];
    bounded(async {
        let done = || sh("exec <&-; echo 1; sleep 0.05").stdin(Stdio::piped()).stdout(Stdio::piped());
        run_in(done(), async |child| {
            number(child).await;
            assert_eq!(child.stdin().unwrap().send_all(&data).await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        })
        .await
        .unwrap();
        let ((out, _), ended) = run_in(done(), async |child| {
            let said = child.communicate(&data).await.unwrap();
            child.wait().await.unwrap();
            said
        })
        .await
        .unwrap();
        assert!(out == b"1\n" && ended.success());
    });
}

#[test]
fn a_child_that_closes_its_output_is_not_over() {
    bounded(async {
        let closes = sh("exec >&- 2>&-; sleep 0.05; exit 4").stdout(Stdio::piped()).stderr(Stdio::piped());
        let (_, ended) = run_in(closes, async |child| {
            assert_eq!(child.stdout().unwrap().receive(&mut [0]).await.unwrap(), 0);
            assert_eq!(child.try_wait().unwrap(), None);
            assert_eq!(child.wait().await.unwrap().code(), Some(4));
        })
        .await
        .unwrap();
        assert_eq!(ended.code(), Some(4));
        assert_eq!(output(sh("exec >&- 2>&-; sleep 0.02; exit 4")).await.unwrap().status.code(), Some(4));
    });
}

#[test]
fn programs_are_put_in_a_row_by_pipes() {
    bounded(async {
        let (from_first, to_second) = pipe().unwrap();
        let first = sh("echo b; echo a").stdout(to_second.into_std().unwrap());
        let second = Spawn::new("sort").stdin(from_first.into_std().unwrap());
        nursery(async |n| {
            n.spawn(async { status(first).await.map(drop) });
            let sorted = output(second).await?;
            assert_eq!(sorted.stdout, b"a\nb\n");
            Ok::<_, io::Error>(())
        })
        .await
        .unwrap();
    });
}

/// async-process#50 and #52, conmon-rs#80: others wait for their children as if nobody else were there.
#[test]
fn children_of_others_are_left_to_them_and_so_is_sigchld() {
    let mut foreign = Command::new("true").spawn().unwrap();
    bounded(async {
        for _ in 0..20 {
            assert!(status(Spawn::new("true")).await.unwrap().success());
        }
    });
    assert!(foreign.wait().unwrap().success(), "its status is still there");
    // SAFETY: plain data, for which zeros are good, and which is there to be written to.
    let now = unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGCHLD, std::ptr::null(), &mut now), 0);
        now.sa_sigaction
    };
    assert_eq!(now, libc::SIG_DFL);
}

#[test]
fn where_nobody_keeps_the_status_an_error_says_so_and_nobody_waits_for_ever() {
    child::Child::doing(|| {
        // SAFETY: no conditions.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        bounded(async {
            let error = status(Spawn::new("true")).await.unwrap_err();
            assert!(error.to_string().contains("SIGCHLD"), "{error}");
            // It is ended all the same.
            let started = run_in(Spawn::new("sleep").arg("1000"), async |child| child.id()).await;
            assert!(started.is_err());
        });
    })
    .join();
}

#[test]
fn what_is_left_of_a_group_is_killed_where_the_system_has_reaped_its_leader() {
    child::Child::doing(|| {
        // SAFETY: no conditions.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        bounded(async {
            let leader = || sh("sleep 60 >/dev/null 2>&1 & echo $!").group(true).stdout(Stdio::piped());
            let said = Cell::new(0);
            let ended = run_in(leader(), async |child| {
                said.set(number(child).await);
                assert!(child.wait().await.is_err());
            });
            assert!(ended.await.is_err());
            until_gone(said.get()).await;
        });
    })
    .join();
}

#[test]
fn a_child_of_a_fork_leaves_its_parents_children_alone() {
    bounded(async {
        let (id, _) = run_in(Spawn::new("sleep").arg("1000"), async |child| {
            let fork = child::Child::fork();
            let Some(fork) = fork else {
                child::Child::end(|| {
                    assert!(child.kill().is_ok() && child.try_wait().is_err());
                    run_in_a_new_run();
                });
            };
            fork.join();
            assert!(is_there(child.id()) && child.try_wait().unwrap().is_none());
            child.id()
        })
        .await
        .unwrap();
        assert_gone(id);
    });
}

/// In the child of a fork: on another thread, since the loop of this one runs.
fn run_in_a_new_run() {
    let ended = std::thread::spawn(|| run(status(Spawn::new("true"))).unwrap().success());
    assert!(ended.join().unwrap());
}

/// `cancel_everywhere` runs in virtual time, where no program does: so this is the same by the clock of the wall. Each case
/// is cut off at each of its suspensions, cancelled and dropped.
#[test]
fn cut_off_at_each_place_where_they_wait_they_leave_no_child() {
    let data = vec![1; 100_000];
    let cases: [fn() -> Spawn; 3] = [
        || Spawn::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()),
        || sh("trap '' TERM; cat; exit 1").stdin(Stdio::piped()).stdout(Stdio::piped()).grace(Duration::from_millis(5)),
        || sh("cat & wait").stdin(Stdio::piped()).stdout(Stdio::piped()).group(true),
    ];
    for (case, is_dropped) in cases.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        for place in 0.. {
            let ids = RefCell::new(Vec::new());
            let ended = bounded(async {
                let work = run_in(case(), async |child| {
                    ids.borrow_mut().push(child.id());
                    child.communicate(&data).await.unwrap();
                    child.wait().await.unwrap();
                });
                let ended = cut_off(place, is_dropped, work).await;
                while is_dropped && ids.borrow().iter().any(|id| is_there(*id)) {
                    sleep(Duration::from_millis(1)).await;
                }
                ended
            });
            ids.into_inner().into_iter().for_each(assert_gone);
            if ended {
                break;
            }
        }
    }
}

#[test]
fn the_first_of_two_programs_ends_the_other() {
    bounded(async {
        let id = Cell::new(0);
        let quick = async { status(Spawn::new("true")).await.map(|_| "quick") };
        let slow = async {
            run_in(Spawn::new("sleep").arg("1000"), async |child| {
                id.set(child.id());
                child.wait().await.map(|_| "slow")
            })
            .await?
            .0
        };
        assert_eq!(race((slow, quick)).await.unwrap(), "quick");
        if id.get() > 0 {
            assert_gone(id.get());
        }
    });
}
