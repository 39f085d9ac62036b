//! What is told of errors, of panics, and of clean-ups that were abandoned.

use super::*;

#[test]
fn errors_are_told_the_first_and_the_others() {
    let transcript = Transcript::default();
    let group = run_watched(
        &transcript,
        nursery_group(async |n| {
            for (name, span) in [("late", 2), ("early", 1)] {
                n.child().name(name).spawn(async move {
                    shield(sleep(secs(span))).await;
                    Err(String::from(name))
                });
            }
            Ok::<(), _>(())
        }),
    );
    assert_eq!(group.unwrap_err().len(), 2);
    let told: Vec<_> = transcript.take().into_iter().filter(|line| line.contains("error")).collect();
    assert_eq!(
        told,
        ["!! early: error alloc::string::String first true", "!! late: error alloc::string::String first false"]
    );
}

#[test]
fn an_error_that_nobody_can_receive_is_still_told() {
    // Law NOTHING-LOST: the nursery was cancelled from outside while its child was in a shield.
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        let _ = move_on_after(secs(1), async {
            let _: Result<(), &str> = nursery(async |n| {
                n.child().name("fails").spawn(async {
                    shield(sleep(secs(2))).await;
                    Err("too late")
                });
                Ok(())
            })
            .await;
            forever::<()>().await
        })
        .await;
    });
    let told: Vec<_> = transcript.take().into_iter().filter(|line| line.contains("error")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("!! fails: error &str"), "{told:?}");
}

#[test]
fn the_failure_of_a_body_is_told_too() {
    let transcript = Transcript::default();
    let result = run_watched(&transcript, nursery(async |_| Err::<(), _>(3u8)));
    assert_eq!(result, Err(3));
    let lines = transcript.take();
    assert!(lines.contains(&"!! main: error u8 first true".to_string()), "{lines:#?}");
}

#[test]
fn an_abandoned_clean_up_is_told() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        // Dropped by a foreign combinator while it cleans up, while it is shielded, while it waits.
        for kind in 0..3 {
            let begun = async {
                match kind {
                    0 => finally(async {}, async || forever().await).await,
                    1 => shield(forever()).await,
                    _ => finally(forever(), async || ()).await,
                }
            };
            futures::future::select(pin!(begun), pin!(sleep(secs(1)))).await;
        }
    });
    let told = transcript.take().into_iter().filter(|line| line.contains("abandoned")).count();
    assert_eq!(told, 3);
}

#[test]
fn a_clean_up_that_was_done_or_never_due_is_not_told_as_abandoned() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        finally(async {}, async || sleep(secs(1)).await).await;
        shield(sleep(secs(1))).await;
        move_on_after(secs(1), finally(forever::<()>(), async || sleep(secs(1)).await)).await;
        move_on_after(secs(1), async {
            shield(sleep(secs(2))).await;
            forever::<()>().await
        })
        .await;
        drop(finally(async {}, async || ()));
        drop(shield(async {}));
        let _ = giambio_core::cancel_scope(async |scope| {
            scope.cancel();
            finally(async {}, async || ()).await;
        })
        .await;
        // Its grace is over: that is the agreement, and still worth a word or not.
        move_on_after(secs(1), finally_for(secs(1), forever::<()>(), async || ())).await;
    });
    let lines = transcript.take();
    assert!(!lines.iter().any(|line| line.contains("abandoned")), "{lines:#?}");
}

/// Writes down who has failed, and with which text.
#[derive(Debug, Default)]
struct Failures(Mutex<Vec<String>>);

impl Debugger for Failures {
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError<'_>) {
        let first = match error {
            TaskError::Error { first, .. } | TaskError::Panic { first, .. } => first,
            _ => unreachable!(),
        };
        let first = if first { "" } else { " (not the first)" };
        self.0.lock().unwrap().push(format!("{}: {error}{first}", task.name));
    }
}

/// What a child named "child" and then the body fail with is told so.
fn told_of<E>(prepare: impl Fn(giambio_core::Nursery<'_, '_, E>), child: E, body: E) -> [String; 2] {
    let failures = Failures::default();
    let main = nursery(async |n| {
        prepare(n);
        n.child().name("child").spawn(async { Err(child) });
        shield(checkpoint()).await;
        Err::<(), _>(body)
    });
    assert!(run_watched(&failures, main).is_err());
    failures.0.into_inner().unwrap().try_into().unwrap()
}

#[test]
fn a_debugger_reads_what_errors_of_common_types_say() {
    let local = String::from("so");
    let wanted = ["child: so", "main: or so (not the first)"];
    assert_eq!(told_of(|_| {}, "so", "or so"), wanted);
    assert_eq!(told_of(|_| {}, local.as_str(), "or so"), wanted);
    assert_eq!(told_of(|_| {}, local.clone(), "or so".into()), wanted);
    assert_eq!(told_of::<Box<dyn std::error::Error>>(|_| {}, "so".into(), "or so".into()), wanted);
    assert_eq!(told_of::<Box<dyn std::error::Error + Send + Sync>>(|_| {}, "so".into(), "or so".into()), wanted);
    #[cfg(feature = "std")]
    assert_eq!(told_of(|_| {}, std::io::Error::other("so"), std::io::Error::other("or so")), wanted);
    let cancelled = |why| giambio_core::Cancelled { reason: giambio_core::Reason::Because(why) };
    let told = told_of(|_| {}, cancelled("so"), cancelled("or so"));
    assert_eq!(told, ["child: cancelled: so", "main: cancelled: or so (not the first)"]);

    /// Borrows, and is in a box: lifetimes that the trait object has to keep to.
    #[derive(Debug)]
    struct Borrows<'a>(&'a str);
    impl std::fmt::Display for Borrows<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Borrows<'_> {}
    type Boxed<'a> = Box<dyn std::error::Error + 'a>;
    assert_eq!(told_of::<Boxed<'_>>(|_| {}, Box::new(Borrows(&local)), Box::new(Borrows("or so"))), wanted);
    // One's own type is read where the program says so.
    assert_eq!(told_of(|n| n.show_errors(), Borrows(&local), Borrows("or so")), wanted);
    let [child, _] = told_of(|_| {}, Borrows(&local), Borrows("or so"));
    assert!(child.starts_with("child: an error of the type ") && child.contains("Borrows"), "{child}");
}

#[test]
#[cfg(feature = "std")]
fn a_debugger_reads_which_child_has_panicked_and_what_the_panic_says() {
    fn told_of_panic(panics: fn()) -> Vec<String> {
        let failures = Failures::default();
        let main = nursery(async |n| {
            n.child().name("other").spawn(forever());
            n.child().name("culprit").spawn(async move {
                checkpoint().await;
                Ok::<_, ()>(panics())
            });
            Ok(())
        });
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_watched(&failures, main)));
        assert!(caught.is_err());
        failures.0.into_inner().unwrap()
    }
    assert_eq!(told_of_panic(|| panic!("a literal")), ["culprit: a panic: a literal"]);
    assert_eq!(told_of_panic(|| panic!("number {}", 2)), ["culprit: a panic: number 2"]);
    assert_eq!(told_of_panic(|| std::panic::panic_any(3)), ["culprit: a panic"]);
}
