//! The steps of tasks: in the order of the program, and never two at once.

use super::*;

/// The tutorial's program.
async fn tutorial(transcript: &Transcript) {
    let nap = async |name: &str| {
        transcript.say(format!("[{name}] spawned, sleeping"));
        sleep(secs(2)).await;
        transcript.say(format!("[{name}] had a nice nap"));
        Ok::<_, ()>(())
    };
    nursery(async |n| {
        n.child().name("child").spawn(nap("child"));
        n.child().name("child1").spawn(nap("child1"));
        transcript.say("[main] children spawned");
        Ok(())
    })
    .await
    .unwrap();
    transcript.say("[main] complete");
}

#[test]
fn events_come_in_the_order_of_the_tutorial() {
    let transcript = Transcript::default();
    run_watched(&transcript, tutorial(&transcript));
    let lines = transcript.take();
    assert_eq!(
        lines[..16],
        [
            "## started",
            "-> main",
            ">> child spawned",
            ">> child1 spawned",
            "[main] children spawned",
            "<- main",
            "-> child",
            "[child] spawned, sleeping",
            "<- child",
            "# child sleeps 2",
            "-> child1",
            "[child1] spawned, sleeping",
            "<- child1",
            "# child1 sleeps 2",
            // two seconds pass
            "# child slept 2",
            "# child1 slept 2",
        ]
    );
    // The main task may have steps of its own in between, to see how its children are.
    let rest: Vec<_> = lines[16..].iter().filter(|line| !line.ends_with(" main") || line.contains('#')).collect();
    assert_eq!(
        rest,
        [
            "-> child",
            "[child] had a nice nap",
            "<< child exited",
            "-> child1",
            "[child1] had a nice nap",
            "<< child1 exited",
            "[main] complete",
            "<< main exited",
            "## finished",
        ]
    );
    let end = &lines[lines.len() - 4..];
    assert_eq!(end, ["-> main", "[main] complete", "<< main exited", "## finished"]);
}

#[test]
fn steps_never_overlap_and_end_with_their_task() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        let _ = move_on_after(
            secs(20),
            nursery(async |n| {
                for i in 0..10u64 {
                    n.spawn(async move {
                        sleep(secs(i)).await;
                        nursery(async |n| {
                            for k in 0..i {
                                n.spawn(async move {
                                    checkpoint().await;
                                    shield(sleep(secs(k * 3))).await;
                                    Ok(())
                                });
                            }
                            checkpoint().await;
                            Ok::<_, ()>(())
                        })
                        .await
                    });
                }
                Ok::<_, ()>(())
            }),
        )
        .await;
    });
    let mut open = None;
    let (mut alive, mut spawned) = (vec![TaskId::MAIN], 0);
    let lines = std::mem::take(&mut *transcript.0.lock().unwrap());
    for (i, (id, line)) in lines.iter().enumerate() {
        if line.starts_with("##") {
            continue;
        }
        let context = || format!("at {line}, line {i} of {lines:#?}");
        if line.ends_with("spawned") {
            spawned += 1;
            assert!(!alive.contains(id), "{}", context());
            alive.push(*id);
            continue;
        }
        assert!(alive.contains(id), "a task that isn't alive, {}", context());
        if line.starts_with("->") {
            assert_eq!(open.replace(*id), None, "{}", context());
        } else if line.starts_with("<- ") {
            assert_eq!(open.take(), Some(*id), "{}", context());
        } else if line.ends_with("exited") {
            alive.retain(|other| other != id);
            if open == Some(*id) {
                open = None;
            }
        }
    }
    assert_eq!((alive.len(), open), (0, None));
    assert_eq!(spawned, 10 + 45);
}

/// However many passes the nursery makes within one poll.
#[test]
fn each_poll_of_a_body_and_each_of_its_task_is_a_step() {
    let transcript = Transcript::default();
    let say = |what: &str| transcript.say(what);
    run_watched(&transcript, async {
        let begun = crate::common::Event::new();
        let beside = async {
            begun.wait().await;
            say("[beside]");
        };
        let nursery = nursery(async |n| {
            n.child().name("child").spawn(async { Ok(say("[child]")) });
            say("[body 1]");
            checkpoint().await;
            say("[body 2]");
            begun.set();
            sleep(secs(1)).await;
            Ok::<_, ()>(say("[body 3]"))
        });
        let ((), result) = futures::join!(beside, nursery);
        result
    })
    .unwrap();
    assert_eq!(
        transcript.take(),
        [
            "## started",
            "-> main",
            ">> child spawned",
            "[body 1]",
            "<- main",
            "-> child",
            "[child]",
            "<< child exited",
            "-> main",
            "[body 2]",
            "<- main",
            "# main sleeps 1",
            "-> main",
            "[beside]",
            "<- main",
            "# main slept 1",
            "-> main",
            "[body 3]",
            "<< main exited",
            "## finished",
        ]
    );
}
