//! Debuggers: with one method or many, one or several, borrowed or boxed; none changes anything.

use super::*;

/// Writes down each event, by the method for all of them alone, and when it came.
#[derive(Default)]
struct Timeline(Mutex<Vec<(Instant, String)>>);

impl Debugger for Timeline {
    fn event(&self, event: Event<'_>) {
        // The transcript's words.
        let transcript = Transcript::default();
        event.dispatch(&transcript);
        let [line] = transcript.take().try_into().unwrap();
        self.0.lock().unwrap().push((giambio_core::clock(), line));
    }
}

/// Something of everything that can be told of.
async fn everything() {
    let _ = nursery(async |n| {
        n.child().name("later").after(secs(1)).spawn(async { Ok(()) });
        n.child().name("cancelled").spawn(forever()).cancel();
        n.child().name("fails").spawn(async {
            sleep(secs(2)).await;
            futures::future::select(pin!(shield(forever::<()>())), pin!(sleep(secs(1)))).await;
            Err("as it should")
        });
        Ok::<_, &str>(())
    })
    .await;
}

#[test]
fn one_method_gets_every_event_in_the_order_in_which_the_methods_get_them() {
    let watch = |debugger: &dyn Debugger| {
        let _alone = alone();
        let clock: VirtualClock = VirtualClock::new();
        let runtime = pin!(Runtime::new(&clock, everything()).with_debugger(debugger));
        runtime.run(&mut Looking(&clock, |_| true, &sync::Event::new()));
    };
    let (transcript, timeline) = (Transcript::default(), Timeline::default());
    watch(&transcript);
    watch(&timeline);
    let (times, lines): (Vec<_>, Vec<_>) = timeline.0.into_inner().unwrap().into_iter().unzip();
    assert_eq!(lines, transcript.take());
    assert!(times.is_sorted() && times.last() == Some(&Instant::from_nanos(3_000_000_000)), "{times:?}");
    for kind in [
        "## started",
        "## finished",
        "scheduled in 1",
        "spawned",
        "exited",
        "-> ",
        "<- ",
        "sleeps 1",
        "slept 1",
        "before io",
        "after io",
        "// cancelling",
        "// cancelled",
        "error &str",
        "abandoned",
    ] {
        assert!(lines.iter().any(|line| line.contains(kind)), "{kind}: {lines:#?}");
    }
}

#[test]
fn a_debugger_that_passes_events_on_passes_on_all_of_them_to_whatever_kind_of_owner() {
    struct Both<A, B>(A, B);
    impl<A: Debugger, B: Debugger> Debugger for Both<A, B> {
        fn event(&self, event: Event<'_>) {
            self.0.event(event);
            self.1.event(event);
        }
    }
    let (one, two) = (Transcript::default(), Transcript::default());
    run_watched(Both(&one, Box::new(Both(&two, giambio_core::NoDebugger))), everything());
    let lines = one.take();
    assert_eq!(lines, two.take());
    assert!(lines.len() > 20, "{lines:#?}");
}

#[test]
fn a_debugger_changes_nothing() {
    async fn program(log: &Log) -> Result<u8, &'static str> {
        nursery(async |n| {
            for i in 0..20u64 {
                n.spawn(async move {
                    for k in 0..i {
                        sleep(secs(k % 3)).await;
                        log.add(format!("{i} {k} {:?}", now()));
                    }
                    if i == 15 { Err("fifteen") } else { Ok(()) }
                });
            }
            Ok(1)
        })
        .await
    }
    let (with, without) = (Log::new(), Log::new());
    let transcript = Transcript::default();
    let first = run_watched(&transcript, program(&with));
    let second = run_virtual(program(&without));
    assert_eq!((first, with.take()), (second, without.take()));
}

#[test]
fn a_debugger_may_be_borrowed_boxed_or_shared() {
    fn accepts(debugger: impl Debugger + Debug) {
        run_watched(debugger, async { checkpoint().await });
    }
    let transcript = Transcript::default();
    accepts(&transcript);
    accepts(Box::new(Transcript::default()));
    #[cfg(feature = "std")]
    {
        accepts(std::rc::Rc::new(Transcript::default()));
        accepts(std::sync::Arc::new(Transcript::default()));
    }
    assert_eq!(transcript.take(), ["## started", "-> main", "<- main", "-> main", "<< main exited", "## finished"]);
}
