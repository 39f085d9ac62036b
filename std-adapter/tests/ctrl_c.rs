//! Ctrl+C. It is for the whole process, so each case has a process of its own: this program, started again.

#[path = "../../core/tests/common/itself.rs"]
mod itself;
#[cfg_attr(unix, path = "common/press/unix.rs")]
#[cfg_attr(windows, path = "common/press/windows.rs")]
mod press;

use std::env;
use std::future::pending;
use std::io::{self, BufRead, BufReader};
use std::num::NonZeroUsize;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use giambio::signal::CtrlC;
use giambio::{EachCore, Ended, Interrupted, RunError, builder, finally, nursery, run, run_or_ctrl_c, shield, sleep};
use itself::itself;
use press::{press, was_killed, with_a_keyboard};

/// This program, whose Ctrl+C is not ignored.
fn again() -> Command {
    // Who starts the tests in the background has it ignored, and so would the program.
    #[cfg(unix)]
    // SAFETY: no handler of anybody is lost, since this program has none.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
    }
    itself()
}

/// Starts `test` again as the program under test, and waits until it says that it is ready.
fn start(test: &str) -> (Child, BufReader<ChildStdout>) {
    let mut program = again();
    with_a_keyboard(&mut program)
        .args([test, "--exact", "--nocapture"])
        .env("CTRL_C_CASE", test)
        .stdout(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    await_line(&mut output, "ready");
    (child, output)
}

fn await_line(output: &mut impl BufRead, wanted: &str) {
    let mut line = String::new();
    while !line.trim_end().ends_with(wanted) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended without saying {wanted:?}");
    }
}

fn is_case(test: &str) -> bool {
    env::var("CTRL_C_CASE").is_ok_and(|case| case == test)
}

async fn forever() {
    println!("ready");
    sleep(Duration::from_secs(1000)).await;
}

#[test]
fn ctrl_c_ends_a_run_in_order() {
    if is_case("ctrl_c_ends_a_run_in_order") {
        struct Unwound;
        impl Drop for Unwound {
            fn drop(&mut self) {
                println!("unwound");
            }
        }
        let ended = run_or_ctrl_c(async {
            let _unwound = Unwound;
            forever().await;
        });
        assert_eq!(ended, Err(Interrupted));
        return;
    }
    let (mut child, mut output) = start("ctrl_c_ends_a_run_in_order");
    press(&mut child);
    await_line(&mut output, "unwound");
    assert!(child.wait().unwrap().success());
}

#[test]
fn ctrl_c_is_one_of_the_reasons_for_which_a_run_has_no_value() {
    if is_case("ctrl_c_is_one_of_the_reasons_for_which_a_run_has_no_value") {
        let error = builder().try_run_or_ctrl_c(forever()).unwrap_err();
        assert!(matches!(error, RunError::Interrupted), "{error}");
        assert_eq!(error.to_string(), Interrupted.to_string());
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Other, "nobody is to try again");
        println!("told");
        return;
    }
    let (mut child, mut output) = start("ctrl_c_is_one_of_the_reasons_for_which_a_run_has_no_value");
    press(&mut child);
    await_line(&mut output, "told");
    assert!(child.wait().unwrap().success());
}

#[test]
fn ctrl_c_lets_clean_ups_finish() {
    if is_case("ctrl_c_lets_clean_ups_finish") {
        let ended = run_or_ctrl_c(async {
            let child = finally(forever(), async || {
                sleep(Duration::from_millis(10)).await;
                println!("cleaned up");
            });
            let ended: Result<(), ()> = nursery(async |n| {
                n.spawn(async {
                    child.await;
                    Ok(())
                });
                Ok(())
            })
            .await;
            unreachable!("{ended:?}");
        });
        assert_eq!(ended, Err(Interrupted));
        return;
    }
    let (mut child, mut output) = start("ctrl_c_lets_clean_ups_finish");
    press(&mut child);
    await_line(&mut output, "cleaned up");
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_press_is_seen_by_who_keeps_watching() {
    if is_case("every_press_is_seen_by_who_keeps_watching") {
        run(async {
            let mut presses = CtrlC::new().unwrap();
            println!("ready");
            for _ in 0..3 {
                presses.pressed().await.unwrap();
                println!("pressed");
            }
        });
        return;
    }
    let (mut child, mut output) = start("every_press_is_seen_by_who_keeps_watching");
    for _ in 0..3 {
        press(&mut child);
        await_line(&mut output, "pressed");
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn ctrl_c_can_be_awaited_and_leaves_the_rest_running() {
    if is_case("ctrl_c_can_be_awaited_and_leaves_the_rest_running") {
        run(async {
            let mut pressed = Box::pin(giambio::ctrl_c());
            let waits = giambio::move_on_after(Duration::ZERO, &mut pressed).await.is_none();
            assert!(waits);
            println!("ready");
            pressed.await.unwrap();
            println!("goes on");
        });
        return;
    }
    let (mut child, mut output) = start("ctrl_c_can_be_awaited_and_leaves_the_rest_running");
    press(&mut child);
    await_line(&mut output, "goes on");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_second_ctrl_c_ends_a_process_that_hangs() {
    if is_case("a_second_ctrl_c_ends_a_process_that_hangs") {
        let _ = run_or_ctrl_c(async {
            println!("ready");
            let mut presses = CtrlC::new().unwrap();
            presses.pressed().await.unwrap();
        });
        let _ = run_or_ctrl_c(async {
            println!("ready again");
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        return;
    }
    let (mut child, mut output) = start("a_second_ctrl_c_ends_a_process_that_hangs");
    press(&mut child); // belongs to the first run, and is over with it
    await_line(&mut output, "ready again");
    let ended = loop {
        // Two that come at once count as one.
        press(&mut child);
        std::thread::sleep(Duration::from_millis(1));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
    };
    assert!(was_killed(ended), "{ended}");
}

#[test]
fn after_the_run_ctrl_c_ends_the_process_as_before() {
    if is_case("after_the_run_ctrl_c_ends_the_process_as_before") {
        let _ = run_or_ctrl_c(async {
            let inner = CtrlC::new().unwrap();
            let mut outer = CtrlC::new().unwrap();
            drop(inner);
            println!("ready");
            outer.pressed().await.unwrap();
        });
        println!("ready again");
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let (mut child, mut output) = start("after_the_run_ctrl_c_ends_the_process_as_before");
    press(&mut child);
    await_line(&mut output, "ready again");
    press(&mut child);
    assert!(was_killed(child.wait().unwrap()));
}

#[test]
fn threads_are_all_interrupted() {
    if is_case("threads_are_all_interrupted") {
        let threads: Vec<_> =
            (0..3).map(|_| std::thread::spawn(|| run_or_ctrl_c(sleep(Duration::from_secs(1000))))).collect();
        let ended = run_or_ctrl_c(async {
            sleep(Duration::from_millis(100)).await;
            forever().await;
        });
        assert_eq!(ended, Err(Interrupted));
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Err(Interrupted)));
        return;
    }
    let (mut child, _output) = start("threads_are_all_interrupted");
    press(&mut child);
    assert!(child.wait().unwrap().success());
}

fn two_cores() -> EachCore {
    builder().on_each_core().threads(NonZeroUsize::new(2).unwrap())
}

#[test]
fn ctrl_c_cancels_every_core() {
    if is_case("ctrl_c_cancels_every_core") {
        let cleaned_up = AtomicUsize::new(0);
        let both_wait = Barrier::new(2);
        let ended = two_cores().run_or_ctrl_c(async |core| {
            let wait = async {
                both_wait.wait();
                match core.index() {
                    0 => forever().await,
                    _ => pending().await,
                }
            };
            finally(wait, async || {
                sleep(Duration::from_millis(10)).await;
                cleaned_up.fetch_add(1, Ordering::SeqCst);
            })
            .await;
            Ok::<_, ()>(())
        });
        assert_eq!(ended, Ended::Interrupted);
        println!("{} cleaned up", cleaned_up.into_inner());
        return;
    }
    let (mut child, mut output) = start("ctrl_c_cancels_every_core");
    press(&mut child);
    await_line(&mut output, "2 cleaned up");
    assert!(child.wait().unwrap().success());
}

#[test]
fn cores_that_finish_in_spite_of_ctrl_c_have_values_and_errors() {
    if is_case("cores_that_finish_in_spite_of_ctrl_c_have_values_and_errors") {
        for fails in [false, true] {
            let both_wait = Barrier::new(2);
            let ended = two_cores().run_or_ctrl_c(async |core| {
                shield(async {
                    both_wait.wait();
                    let mut presses = CtrlC::new().unwrap();
                    println!("ready");
                    presses.pressed().await.unwrap();
                    println!("pressed");
                })
                .await;
                if fails && core.index() == 1 { Err("out of luck") } else { Ok(core.index()) }
            });
            match ended {
                Ended::Values(values) => assert!(values == [0, 1] && !fails),
                Ended::Errors(errors) => assert!(*errors.first() == "out of luck" && fails),
                Ended::Interrupted => panic!("both have finished"),
            }
        }
        return;
    }
    let (mut child, mut output) = start("cores_that_finish_in_spite_of_ctrl_c_have_values_and_errors");
    await_line(&mut output, "ready");
    press(&mut child);
    await_line(&mut output, "pressed");
    await_line(&mut output, "pressed");
    await_line(&mut output, "ready");
    await_line(&mut output, "ready");
    press(&mut child);
    assert!(child.wait().unwrap().success());
}
