//! What is told of sleeps, and of looks for I/O.

use super::*;

#[test]
fn sleeps_are_told_with_their_spans() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        sleep(secs(3)).await;
        sleep(secs(0)).await;
        move_on_after(secs(1), sleep(secs(5))).await;
    });
    let lines: Vec<_> = transcript.take().into_iter().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(lines[..2], ["# main sleeps 3", "# main slept 3"]);
    assert!(lines.contains(&"# main sleeps 5".to_string()));
    assert!(!lines.contains(&"# main slept 5".to_string()), "{lines:?}");
}

/// What is told of a program that sleeps and then waits, by one who looks for I/O then.
fn told_by(looks: impl Fn(Until) -> bool) -> Vec<String> {
    let _alone = alone();
    let (transcript, clock, event) = (Transcript::default(), VirtualClock::<1_000>::new(), sync::Event::new());
    let main = async {
        sleep(secs(1)).await;
        event.wait().await;
    };
    let runtime = pin!(Runtime::new(&clock, main).with_debugger(&transcript));
    runtime.run(&mut Looking(&clock, looks, &event));
    transcript.take()
}

#[test]
fn each_look_for_io_is_told_before_and_after() {
    assert_eq!(
        told_by(|_| true),
        [
            "## started",
            "-> main",
            "<- main",
            "# main sleeps 1",
            "!! before io Some(1s)",
            "!! after io Some(1s)",
            "# main slept 1",
            "-> main",
            "<- main",
            "!! before io None",
            "!! after io None",
            "-> main",
            "<< main exited",
            "## finished",
        ]
    );
}

#[test]
fn who_idles_until_a_deadline_looks_once_before_the_sleeper_goes_on() {
    let mut told = told_by(|until| until == Until::Now);
    let look = told.iter().position(|line| line == "!! before io Some(0ns)").unwrap();
    assert_eq!(
        told[look - 1..look + 3],
        ["# main slept 1", "!! before io Some(0ns)", "!! after io Some(0ns)", "-> main"]
    );
    told.drain(look..look + 2);
    assert_eq!(told, told_by(|_| false), "who never looks tells of no look, and of everything else");
}

#[test]
fn a_wait_that_ends_before_its_deadline_is_followed_by_no_look() {
    let _alone = alone();
    struct Impatient<'a>(&'a VirtualClock<1_000>);
    impl Wait for Impatient<'_> {
        fn wait(&mut self, _: Until) {
            self.0.advance(Duration::from_millis(400));
        }
        fn looks_for_io(&self, until: Until) -> bool {
            until == Until::Now
        }
    }
    let (transcript, clock) = (Transcript::default(), VirtualClock::<1_000>::new());
    let runtime = pin!(Runtime::new(&clock, sleep(secs(1))).with_debugger(&transcript));
    runtime.run(&mut Impatient(&clock));
    let looks = transcript.take().iter().filter(|line| line.starts_with("!! before")).count();
    assert_eq!(looks, 1, "of three waits the last was to its end");
}

#[derive(Default)]
struct Sleeps(Mutex<u32>);

impl Debugger for Sleeps {
    fn before_sleep(&self, _: TaskInfo<'_>, _: Duration) {
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn a_sleep_without_end_begins_once() {
    let _alone = alone();
    let (clock, sleeps) = (VirtualClock::<1_000_000_000>::new(), Sleeps::default());
    let main = async {
        let mut wait = pin!(sleep(Duration::MAX));
        for _ in 0..5 {
            assert!(poll_once(wait.as_mut()).await.is_pending());
            checkpoint().await;
        }
    };
    finish(pin!(Runtime::new(&clock, main).with_debugger(&sleeps)), &clock);
    assert_eq!(*sleeps.0.lock().unwrap(), 1);
}
