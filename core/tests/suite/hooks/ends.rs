//! The ends of tasks and of the run, which are told also after a panic or a drop.

use super::*;

#[test]
fn a_runtime_dropped_half_way_tells_of_the_tasks_that_go() {
    let _alone = alone();
    let (transcript, clock) = (Transcript::default(), VirtualClock::<1_000>::new());
    {
        let main = nursery(async |n| {
            n.child().name("child").spawn(forever());
            Ok::<_, ()>(())
        });
        let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(&transcript));
        assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    }
    let lines = transcript.take();
    assert_eq!(lines.iter().filter(|line| *line == "<< child exited").count(), 1, "{lines:#?}");
}

#[test]
#[cfg(feature = "std")]
fn every_task_is_told_to_end_and_then_the_run_also_after_a_panic_or_a_drop() {
    /// The names of the tasks that end, and of those that fail.
    #[derive(Default)]
    struct Ends(Mutex<Vec<String>>);
    impl Debugger for Ends {
        fn on_exit(&self) {
            self.0.lock().unwrap().push("exit".into());
        }
        fn on_task_exit(&self, task: TaskInfo<'_>) {
            self.0.lock().unwrap().push(format!("- {}", task.name));
        }
        fn on_task_error(&self, task: TaskInfo<'_>, _error: TaskError<'_>) {
            self.0.lock().unwrap().push(format!("! {}", task.name));
        }
    }
    async fn main(fails: impl AsyncFnOnce() -> Result<(), ()>) -> Result<(), ()> {
        nursery(async |n| {
            n.child().name("other").spawn(forever());
            n.child().name("culprit").spawn(fails());
            Ok(())
        })
        .await
    }
    let told = |fails: fn() -> Result<(), ()>| {
        let ends = Ends::default();
        let main = main(async move || {
            checkpoint().await;
            fails()
        });
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_watched(&ends, main)));
        ends.0.into_inner().unwrap()
    };
    assert_eq!(told(|| Err(())), ["! culprit", "- culprit", "- other", "- main", "exit"]);
    assert_eq!(told(|| panic!("out of luck")), ["- culprit", "! culprit", "- other", "- main", "exit"]);

    let (clock, ends, _alone) = (VirtualClock::<1000>::new(), Ends::default(), alone());
    {
        let mut runtime = pin!(Runtime::new(&clock, main(async || forever().await)).with_debugger(&ends));
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    }
    assert_eq!(ends.0.into_inner().unwrap(), ["- other", "- culprit", "- main", "exit"]);
    // One that has not begun has no end.
    let ends = Ends::default();
    drop(Runtime::new(&clock, async {}).with_debugger(&ends));
    assert!(ends.0.into_inner().unwrap().is_empty());
}

#[test]
#[cfg(feature = "std")]
fn the_run_is_told_to_end_also_where_what_has_returned_panics_when_it_is_dropped() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    /// Returns, and has more to drop.
    struct Returns(Panics);
    impl Future for Returns {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            std::task::Poll::Ready(())
        }
    }
    let transcript = Transcript::default();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_watched(&transcript, Returns(Panics))));
    assert!(caught.is_err());
    assert_eq!(transcript.events(), ["## started", "<< main exited", "## finished"]);
}
