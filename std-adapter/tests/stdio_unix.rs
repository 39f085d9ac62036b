//! The standard streams, in children that are this program once more.
#![cfg(unix)]

#[path = "../../core/tests/common/itself.rs"]
mod itself;

use std::env;
use std::fs;
use std::future::poll_fn;
use std::io::{BufRead, BufReader, Read, Write};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future::zip;
use giambio::{fail_after, move_on_after, nursery, run, stderr, stdin, stdout, unblock};
use itself::words_of_itself;

/// What hangs takes longer.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

fn is_child() -> bool {
    env::var_os("GIAMBIO_STDIO").is_some()
}

/// One test of this program, its streams set up by a line for the shell, as `exec "$0" "$@" < /`.
fn child(test: &str, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).args(words_of_itself()).args(["--exact", test, "--nocapture", "--quiet"]);
    command.env("GIAMBIO_STDIO", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

const PLAIN: &str = "exec \"$0\" \"$@\"";

/// Waits for the end, and says whether it came in time.
fn ends(child: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < LONG {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    false
}

fn said(child: &mut Child) -> String {
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

/// tokio#589, #2318 and their kin: a read that nobody waits for takes the next line along, and holds up the exit.
#[test]
fn reads_that_are_given_up_take_nothing_and_the_program_ends_while_one_waits() {
    if is_child() {
        return run(async {
            println!("it reads");
            let mut given_up = 0;
            for _ in 0..3 {
                let line = loop {
                    match move_on_after(SHORT, stdin().receive_line()).await {
                        Some(line) => break line.unwrap().unwrap(),
                        None => given_up += 1,
                    }
                };
                stdout().send_all(format!("got {line}\n")).await.unwrap();
            }
            // Two bytes of what has come already, and then the rest.
            let mut two = [0; 2];
            assert_eq!(stdin().receive(&mut two).await.unwrap(), 2);
            let mut rest = [0; 9];
            let count = stdin().receive(&mut rest).await.unwrap();
            stdout().send_all([b"and ", &two[..], &rest[..count], b"\n"].concat()).await.unwrap();
            assert!(given_up > 0);
            assert!(move_on_after(SHORT, stdin().receive(&mut two)).await.is_none());
        });
    }
    let name = "reads_that_are_given_up_take_nothing_and_the_program_ends_while_one_waits";
    let mut child = child(name, PLAIN).spawn().unwrap();
    let mut output = has_said(&mut child, "it reads");
    let mut input = child.stdin.take().unwrap();
    for piece in ["on", "e\ntwo\r\n", "thr", "ee\nrest"] {
        thread::sleep(SHORT * 3);
        input.write_all(piece.as_bytes()).unwrap();
    }
    assert!(ends(&mut child), "it waits for input that nobody wants");
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    assert!(said.contains("got one\ngot two\ngot three\nand rest\n"), "{said}");
    drop(input);
}

/// Reads what the child says until it has said that.
fn has_said(child: &mut Child, what: &str) -> impl BufRead + use<> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(what) {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it never says {what}");
    }
    output
}

#[test]
fn lines_that_several_wait_for_are_lines() {
    if is_child() {
        return run(async {
            let mut both = pin!(zip(stdin().receive_line(), stdin().receive_line()));
            let mut polls = 0;
            let both = poll_fn(|cx| {
                let both = both.as_mut().poll(cx);
                polls += 1;
                if polls == 2 {
                    println!("both have looked at a part");
                }
                both
            });
            let (one, other) = fail_after(LONG, both).await.unwrap();
            let third = stdin().receive_line().await;
            println!("lines {:?}", [one, other, third].map(Result::unwrap));
        });
    }
    let mut child = child("lines_that_several_wait_for_are_lines", PLAIN).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"abc").unwrap();
    let mut output = has_said(&mut child, "both have looked at a part");
    input.write_all(b"def\nx\nyz\n").unwrap();
    drop(input);
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    assert!(said.contains(r#"lines [Some("abcdef"), Some("x"), Some("yz")]"#), "{said}");
    assert!(ends(&mut child));
}

/// The waker of another executor, which panics or tells.
struct Foreign(Option<mpsc::Sender<()>>);

impl Wake for Foreign {
    fn wake(self: Arc<Self>) {
        self.0.as_ref().expect("this one panics").send(()).unwrap();
    }
}

#[test]
fn a_foreign_waker_that_panics_keeps_no_other_from_its_wake() {
    if is_child() {
        let (send, woken) = mpsc::channel();
        let wakers = [None, Some(send)].map(|tells| Waker::from(Arc::new(Foreign(tells))));
        let (mut first, mut second) = ([0], [0]);
        let (mut one, mut other) = (pin!(stdin().receive(&mut first)), pin!(stdin().receive(&mut second)));
        assert!(one.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
        assert!(other.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
        println!("both wait");
        woken.recv_timeout(LONG / 2).expect("nobody wakes it");
        assert_eq!(run(other).unwrap(), 1);
        return;
    }
    let mut child = child("a_foreign_waker_that_panics_keeps_no_other_from_its_wake", PLAIN).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let _output = has_said(&mut child, "both wait");
    input.write_all(b"x").unwrap();
    assert!(ends(&mut child));
}

/// Until something comes nobody else would drop it.
#[test]
fn who_gives_up_is_not_remembered() {
    if is_child() {
        let waker = Arc::new(Foreign(None));
        let wakes = Waker::from(waker.clone());
        for is_line in [false, true] {
            let mut buffer = [0];
            let mut receive = Box::pin(async {
                match is_line {
                    true => drop(stdin().receive_line().await),
                    false => drop(stdin().receive(&mut buffer).await),
                }
            });
            assert!(receive.as_mut().poll(&mut Context::from_waker(&wakes)).is_pending());
            assert_eq!(Arc::strong_count(&waker), 3);
            drop(receive);
            assert_eq!(Arc::strong_count(&waker), 2);
        }
        return;
    }
    let mut child = child("who_gives_up_is_not_remembered", PLAIN).spawn().unwrap();
    let _input = child.stdin.take().unwrap();
    assert!(ends(&mut child));
}

#[test]
fn the_program_ends_while_calls_hang() {
    if is_child() {
        return run(async {
            let fifo = env::var_os("GIAMBIO_FIFO").unwrap();
            let hangs = nursery(async |n| {
                n.spawn(async { unblock(move || fs::read(fifo)).await.map(drop) });
                n.spawn(async { unblock(|| Ok(thread::sleep(LONG * 100))).await });
                n.spawn(async { stdin().receive(&mut [0]).await.map(drop) });
                Ok::<(), std::io::Error>(())
            });
            assert!(move_on_after(SHORT, hangs).await.is_none());
        });
    }
    let fifo = env::temp_dir().join(format!("giambio-fifo-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut child = child("the_program_ends_while_calls_hang", PLAIN).env("GIAMBIO_FIFO", &fifo).spawn().unwrap();
    let _input = child.stdin.take();
    let has_ended = ends(&mut child);
    fs::remove_file(&fifo).unwrap();
    assert!(has_ended, "it waits for a thread");
}

#[test]
fn what_nobody_asked_for_stays_for_who_comes_after() {
    if is_child() {
        return run(async {
            stdout().send_all("asked for nothing\n").await.unwrap();
        });
    }
    let mut child = child("what_nobody_asked_for_stays_for_who_comes_after", "\"$0\" \"$@\"; cat").spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"for the next").unwrap();
    assert!(ends(&mut child));
    let said = said(&mut child);
    assert!(said.contains("asked for nothing\n") && said.contains("for the next"), "{said}");
}

#[test]
fn a_closed_input_is_over_and_a_folder_is_an_error() {
    const NAME: &str = "a_closed_input_is_over_and_a_folder_is_an_error";
    if is_child() {
        return run(async {
            let (first, second) = (stdin().receive(&mut [0; 4]).await, stdin().receive_line().await);
            let told = format!(
                "first {:?}, second {:?}\n",
                first.map_err(|error| error.kind()),
                second.map_err(|error| error.kind())
            );
            stdout().send_all(told).await.unwrap();
        });
    }
    for (line, told) in [
        ("exec \"$0\" \"$@\" <&-", "first Ok(0), second Ok(None)"),
        ("exec \"$0\" \"$@\" </dev/null", "first Ok(0), second Ok(None)"),
        ("exec \"$0\" \"$@\" </", "first Err(IsADirectory), second Err(IsADirectory)"),
    ] {
        let mut child = child(NAME, line).spawn().unwrap();
        assert!(ends(&mut child));
        let said = said(&mut child);
        assert!(said.contains(told), "{line}: {said}");
    }
}

/// tokio#8276: what two handles send comes out in any order.
#[test]
fn what_is_sent_comes_out_in_its_order_and_whole() {
    if is_child() {
        return run(async {
            let outcome = nursery(async |n| {
                for number in 0..200 {
                    n.spawn(async move { stdout().send_all(format!("line {number} {}\n", "x".repeat(5_000))).await });
                }
                Ok::<(), std::io::Error>(())
            });
            outcome.await.unwrap();
        });
    }
    let mut child = child("what_is_sent_comes_out_in_its_order_and_whole", PLAIN).spawn().unwrap();
    let said = said(&mut child);
    assert!(ends(&mut child));
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(lines.len(), 200);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("line {number} {}", "x".repeat(5_000)));
    }
}

#[test]
fn an_output_that_is_gone_or_full_is_told_each_time() {
    if is_child() {
        return run(async {
            let (broken, good) = match stdin().receive_line().await.unwrap().unwrap().as_str() {
                "stdout" => (stdout(), stderr()),
                _ => (stderr(), stdout()),
            };
            let (first, second) = (broken.send_all("x").await, broken.send_all("y").await);
            let told =
                format!("{:?} {:?}\n", first.map_err(|error| error.kind()), second.map_err(|error| error.kind()));
            good.send_all(told).await.unwrap();
            // The test's own words would have nowhere to go.
            std::process::exit(0);
        });
    }
    const NAME: &str = "an_output_that_is_gone_or_full_is_told_each_time";
    let mut gone = child(NAME, PLAIN).spawn().unwrap();
    let (mut input, mut output) = (gone.stdin.take().unwrap(), gone.stdout.take().unwrap());
    let _ = output.read(&mut [0; 100]).unwrap(); // the test's own words
    drop(output);
    input.write_all(b"stdout\n").unwrap();
    let mut said = String::new();
    gone.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("Err(BrokenPipe) Err(BrokenPipe)"), "{said}");
    gone.wait().unwrap();
    if fs::exists("/dev/full").unwrap() {
        let mut full = child(NAME, "exec \"$0\" \"$@\" 2>/dev/full").spawn().unwrap();
        full.stdin.take().unwrap().write_all(b"stderr\n").unwrap();
        let mut said = String::new();
        full.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains("Err(StorageFull) Err(StorageFull)"), "{said}");
        full.wait().unwrap();
    }
}

/// The mode belongs to all who have the stream, as the shell.
#[test]
fn the_mode_of_the_streams_is_left_alone() {
    if is_child() {
        return run(async {
            let mode =
                || fs::read_to_string("/proc/self/fdinfo/0").unwrap_or_default().lines().nth(1).map(str::to_owned);
            let before = mode();
            assert!(move_on_after(SHORT, stdin().receive(&mut [0])).await.is_none());
            stdout().send_all("x").await.unwrap();
            assert_eq!(mode(), before);
            assert!(before.is_none_or(|flags| flags.starts_with("flags:")));
        });
    }
    let mut child = child("the_mode_of_the_streams_is_left_alone", PLAIN).spawn().unwrap();
    let _input = child.stdin.take();
    assert!(ends(&mut child));
}

/// Others may have set that mode: then the threads wait all the same.
#[test]
fn streams_in_the_mode_that_does_not_wait_are_waited_for() {
    use std::os::unix::net::UnixStream;
    if is_child() {
        return run(async {
            let line = stdin().receive_line().await.unwrap().unwrap();
            stdout().send_all(format!("{line}{}\n", "x".repeat(1 << 20))).await.unwrap();
            std::process::exit(0);
        });
    }
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let mut command = child("streams_in_the_mode_that_does_not_wait_are_waited_for", PLAIN);
    command.stdin(std::os::fd::OwnedFd::from(theirs.try_clone().unwrap()));
    command.stdout(std::os::fd::OwnedFd::from(theirs));
    let mut child = command.spawn().unwrap();
    drop(command);
    thread::sleep(SHORT);
    let mut ours = ours;
    ours.write_all(b"late\n").unwrap();
    thread::sleep(SHORT);
    let mut said = Vec::new();
    ours.read_to_end(&mut said).unwrap();
    assert!(ends(&mut child));
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains(&format!("late{}\n", "x".repeat(1 << 20))), "{} bytes", said.len());
}
