//! The latest of a value.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::by_hand::{ByHand, at_once};
use crate::common::{Live, alone, run_virtual, secs};
use giambio_core::move_on_after;
use giambio_core::sync::{Access, Watch};

#[test]
fn each_watcher_is_told_of_a_change_once_and_sees_the_latest() {
    let _alone = alone();
    let watch = Watch::new(1);
    let (mut one, mut other) = (watch.watcher(), watch.watcher());
    assert!(!one.has_changed());
    let mut waits = ByHand::waiting(one.changed());
    assert_eq!((watch.set(2), watch.set(3)), (1, 2));
    waits.goes_on();
    drop(waits);
    assert_eq!((watch.get(), one.has_changed()), (3, false));
    ByHand::waiting(one.changed()).waits();
    assert!(other.has_changed());
    at_once(other.changed());
    ByHand::waiting(other.changed()).waits();
}

#[test]
fn who_begins_to_watch_has_seen_what_is_there() {
    let _alone = alone();
    let watch = Watch::new(1);
    watch.set(2);
    let mut late = watch.watcher();
    let mut waits = ByHand::waiting(late.changed());
    watch.update(|value| *value += 1);
    waits.goes_on();
    drop(waits);
    assert_eq!(late.read(|value| *value), 3);
}

#[test]
fn what_was_read_is_seen_and_what_was_cancelled_is_not() {
    run_virtual(async {
        let watch = Watch::new(1);
        let mut watcher = watch.watcher();
        watch.set(2);
        assert_eq!(watcher.read(|value| *value), 2);
        assert!(!watcher.has_changed());
        assert_eq!(move_on_after(secs(1), watcher.changed()).await, None);
        watch.set(3);
        // Told, and dropped before it looks.
        drop(watcher.changed());
        assert!(watcher.has_changed() && watcher.clone().has_changed());
        let mut told = ByHand::new(watcher.changed());
        assert!(told.poll().is_ready());
        drop(told);
        assert!(!watcher.has_changed());
    });
}

#[test]
fn one_waits_for_what_it_looks_for_beginning_with_what_is_there() {
    let _alone = alone();
    let watch = Watch::new(5);
    let mut watcher = watch.watcher();
    assert_eq!(at_once(watcher.wait_for(|value| (*value == 5).then_some("five"))), "five");
    let looks = Cell::new(0);
    let mut waits = ByHand::waiting(watcher.wait_for(|value| {
        looks.set(looks.get() + 1);
        (*value > 7).then_some(*value)
    }));
    waits.waits();
    watch.set(6);
    assert!(waits.is_woken() && waits.poll().is_pending());
    watch.set(8);
    assert_eq!((waits.goes_on(), looks.get()), (8, 3));
}

#[test]
fn a_look_or_a_change_that_panics_hurts_nobody_else() {
    let _alone = alone();
    let watch = Watch::new(1);
    let (mut one, mut other) = (watch.watcher(), watch.watcher());
    let mut panics = ByHand::waiting(one.wait_for(|value| if *value > 1 { panic!("a look") } else { None::<()> }));
    let mut waits = ByHand::waiting(other.changed());
    assert!(catch_unwind(AssertUnwindSafe(|| watch.update(|_| panic!("a change")))).is_err());
    waits.waits();
    watch.set(2);
    assert!(catch_unwind(AssertUnwindSafe(|| panics.poll())).is_err());
    drop(panics);
    waits.goes_on();
    assert_eq!((watch.get(), watch.read(|value| value + 1)), (2, 3));
}

#[test]
fn old_values_are_dropped_when_new_ones_come() {
    let live = Live::new();
    let watch = Watch::new(live.object());
    drop(watch.set(live.object()));
    assert_eq!((live.made(), live.left()), (2, 1));
    drop(watch);
    assert_eq!(live.left(), 0);
    assert_eq!(Watch::<u32>::default().get(), 0);
}

#[test]
#[cfg(feature = "std")]
fn threads_see_the_latest_in_the_end() {
    use giambio_core::sync::Shared;

    static WATCH: Watch<u32, Shared> = Watch::shared(0);
    let watchers = [(); 3].map(|()| {
        std::thread::spawn(|| {
            let mut watcher = WATCH.watcher();
            let mut last = 0;
            while last < 5_000 {
                let value = futures::executor::block_on(watcher.wait_for(|value| (*value != last).then_some(*value)));
                assert!(value > last);
                last = value;
            }
        })
    });
    for _ in 0..5_000 {
        WATCH.update(|value| *value += 1);
    }
    watchers.into_iter().for_each(|thread| thread.join().unwrap());
}

#[track_caller]
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it does not panic") };
    panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).unwrap()
}

/// A value whose `clone` and destructor call somebody.
struct Calls(Rc<RefCell<Option<Call>>>);

type Call = Rc<dyn Fn()>;

impl Calls {
    fn call(&self) {
        let call = self.0.borrow().clone();
        if let Some(call) = call {
            call();
        }
    }
}

impl Clone for Calls {
    fn clone(&self) -> Self {
        self.call();
        Calls(self.0.clone())
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.call();
    }
}

fn comes_back_to_it<K: Access>(watch: &Watch<u32, K>, calls: fn(Calls) -> Watch<Calls, K>) {
    // To look again is to look.
    assert_eq!(watch.read(|outer| watch.read(|inner| outer + inner)), 2);
    let mut watcher = watch.watcher();
    watch.set(5);
    let look = |value: &u32| (watch.get() == *value && !watch.watcher().has_changed()).then_some(*value);
    assert_eq!(at_once(watcher.wait_for(look)), 5);
    let (call, count) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(0)));
    let own = Rc::new(calls(Calls(call.clone())));
    let looks = {
        let (own, count) = (own.clone(), count.clone());
        move || count.set(count.get() + own.read(|_| 1) + u32::from(own.watcher().has_changed()))
    };
    *call.borrow_mut() = Some(Rc::new(looks));
    drop(own.get());
    drop(own.set(Calls(call.clone())));
    assert_eq!(count.get(), 3, "a clone and two destructors");
    *call.borrow_mut() = None;
    // To change what is looked at, or changed, is a mistake.
    let is_looked_at = "giambio: a `Watch` is changed by the code that looks at its value or changes it";
    assert_eq!(panic_of(|| watch.read(|_| watch.set(6))), is_looked_at);
    assert_eq!(panic_of(|| watch.update(|_| watch.set(6))), is_looked_at);
    assert_eq!(panic_of(|| at_once(watcher.wait_for(|_| Some(watch.set(6))))), is_looked_at);
    let is_changed = "giambio: a `Watch` is looked at by the code that changes its value";
    assert_eq!(panic_of(|| watch.update(|_| watch.get())), is_changed);
    assert_eq!((watch.get(), watcher.has_changed()), (5, false), "nothing has changed");
    // After each of these it is as good as before.
    let mut waits = ByHand::waiting(watcher.changed());
    watch.set(7);
    waits.goes_on();
}

#[test]
fn code_that_comes_back_to_its_watch_may_look_and_to_change_it_is_a_panic_that_says_so() {
    let _alone = alone();
    comes_back_to_it(&Watch::new(1), Watch::new);
    let watch = Watch::shared(1);
    comes_back_to_it(&watch, Watch::shared);
    #[cfg(feature = "std")]
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(watch.set(8), 7)).join().unwrap();
    });
}

#[test]
#[cfg(feature = "std")]
fn wakers_may_use_the_watch_that_wakes_them_and_threads_wait_for_code_under_its_lock() {
    use giambio_core::sync::Shared;
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};

    static LEVEL: Watch<u32, Shared> = Watch::shared(0);
    struct Raises;
    impl Wake for Raises {
        fn wake(self: Arc<Self>) {
            LEVEL.update(|level| *level += 10);
        }
    }
    let waker = Waker::from(Arc::new(Raises));
    let mut watcher = LEVEL.watcher();
    {
        let mut waits = std::pin::pin!(watcher.changed());
        assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        LEVEL.set(1);
        assert_eq!(LEVEL.get(), 11);
    }
    // Another thread is not let in by code that comes back.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    LEVEL.update(|level| *level += 1);
                    LEVEL.read(|outer| LEVEL.read(|inner| assert_eq!(outer, inner)));
                }
            });
        }
    });
    assert_eq!(LEVEL.get(), 2_011);
}
