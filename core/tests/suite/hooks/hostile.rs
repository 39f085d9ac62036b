//! Debuggers that panic, or wake tasks.

use super::*;
use std::cell::Cell;

/// Panics at the n-th event.
struct Panics(Cell<u32>, Cell<u32>);

impl Debugger for Panics {
    fn event(&self, _: Event<'_>) {
        self.1.set(self.1.get() + 1);
        if self.0.get() == self.1.get() {
            panic!("the debugger itself is broken");
        }
    }
}

#[test]
fn a_hook_that_panics_breaks_nothing_and_is_switched_off() {
    for nth in 1..60 {
        let panics = Panics(Cell::new(nth), Cell::new(0));
        let live = Live::new();
        let result = run_watched(
            &panics,
            nursery(async |n| {
                for i in 1..4u64 {
                    n.spawn(async move {
                        sleep(secs(i)).await;
                        Ok(())
                    });
                }
                let task = n.spawn(async {
                    let _object = live.object();
                    forever().await
                });
                sleep(secs(2)).await;
                task.cancel();
                sleep(secs(2)).await;
                Err::<(), _>("end")
            }),
        );
        assert_eq!((result, live.left()), (Err("end"), 0), "event {nth}");
        assert!(panics.1.get() <= nth, "event {nth}: it was told of {} more", panics.1.get() - nth);
    }
}

#[test]
fn a_hook_that_panics_when_it_is_told_of_io_is_switched_off_as_well() {
    let _alone = alone();
    let event = sync::Event::new();
    // The first and the second look, before and after, and once nothing at all.
    for (nth, told) in [(5, 5), (6, 6), (10, 10), (11, 11), (100, 14)] {
        let (clock, panics) = (VirtualClock::<1_000>::new(), Panics(Cell::new(nth), Cell::new(0)));
        let main = async {
            sleep(secs(1)).await;
            event.wait_and_clear().await;
        };
        let runtime = pin!(Runtime::new(&clock, main).with_debugger(&panics));
        runtime.run(&mut Looking(&clock, |_| true, &event));
        assert_eq!(panics.1.get(), told, "event {nth}");
    }
}

#[test]
fn what_a_hook_itself_does_is_not_reported_to_it() {
    struct Wakes<'a>(&'a Wakers, Cell<u32>);
    impl Debugger for Wakes<'_> {
        fn before_task_step(&self, _: TaskInfo<'_>) {
            self.1.set(self.1.get() + 1);
            self.0.fire();
        }
    }
    let wakers = Wakers::new();
    let debugger = Wakes(&wakers, Cell::new(0));
    run_watched(
        &debugger,
        nursery(async |n| {
            n.child().daemon().spawn(wakers.wait());
            for _ in 0..5 {
                checkpoint().await;
            }
            Ok::<_, ()>(())
        }),
    )
    .unwrap();
    assert!((6..40).contains(&debugger.1.get()), "{} steps", debugger.1.get());
}
