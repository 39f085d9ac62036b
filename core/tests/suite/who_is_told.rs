//! Whom a change tells: those that wait when it begins, each once, and nobody else, whatever their wakers do meanwhile. Law
//! NOTHING-LOST.
#![cfg(all(feature = "std", feature = "heapless"))]
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use crate::common::{Woken, forever, poll_once, run_virtual};
use crate::panicking_wakers::one_panic;
use giambio_core::channel::Channel;
use giambio_core::sync::{Event, Shared};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// More polls than any of this needs.
const TOO_MANY: u32 = 1_000;

thread_local! {
    static TASKS: RefCell<Vec<Option<Task>>> = const { RefCell::new(Vec::new()) };
    static POLLS: Cell<u32> = const { Cell::new(0) };
}

/// Polls its task while it is woken.
struct AtOnce(usize);

impl AtOnce {
    fn poll(&self) {
        let waker = Waker::from(Arc::new(AtOnce(self.0)));
        let Some(mut task) = TASKS.with_borrow_mut(|tasks| tasks[self.0].take()) else { return };
        POLLS.set(POLLS.get() + 1);
        if POLLS.get() < TOO_MANY {
            let _ = task.as_mut().poll(&mut Context::from_waker(&waker));
        }
        TASKS.with_borrow_mut(|tasks| tasks[self.0] = Some(task));
    }
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        self.poll();
    }
}

/// How many polls `f` makes of tasks that are polled while they are woken.
fn polls_of(tasks: impl IntoIterator<Item = Task>, f: impl FnOnce()) -> u32 {
    TASKS.set(tasks.into_iter().map(Some).collect());
    for number in 0..TASKS.with_borrow(Vec::len) {
        AtOnce(number).poll();
    }
    POLLS.set(0);
    f();
    TASKS.take();
    POLLS.take()
}

#[test]
fn each_of_those_that_wait_for_an_event_is_polled_once_also_while_it_is_woken() {
    let event = Rc::new(Event::new());
    let got = Rc::new(Cell::new(0));
    let tasks = [(); 3].map(|()| -> Task {
        let (event, got) = (event.clone(), got.clone());
        Box::pin(async move {
            loop {
                event.wait_and_clear().await;
                got.set(got.get() + 1);
            }
        })
    });
    let polls = polls_of(tasks, || {
        event.set();
        event.set();
    });
    assert_eq!((polls, got.get()), (6, 2), "three polls a `set`, and one of them gets it");
}

#[test]
fn an_event_that_is_set_where_its_waiters_are_woken_tells_each_once_for_each() {
    let event = Rc::new(Event::new());
    let sets = Rc::new(Cell::new(0));
    let tasks = [(); 3].map(|()| -> Task {
        let (event, sets) = (event.clone(), sets.clone());
        Box::pin(async move {
            loop {
                event.wait().await;
                event.clear();
                if sets.replace(sets.get() + 1) < 2 {
                    event.set();
                }
            }
        })
    });
    let polls = polls_of(tasks, || event.set());
    // The first one told sets it again while the others are still to be told of the first `set`: they are told of both at once.
    assert_eq!((polls, sets.get()), (3, 3));
}

#[test]
fn who_begins_to_wait_after_a_set_is_not_let_go_by_it() {
    let event = Rc::new(Event::new());
    let late = Rc::new(Cell::new(false));
    let (set, is_late) = (event.clone(), late.clone());
    let first: Task = Box::pin(async move {
        set.wait().await;
        set.clear();
        set.wait().await;
        is_late.set(true);
    });
    let set = event.clone();
    let second: Task = Box::pin(async move { set.wait().await });
    let polls = polls_of([first, second], || event.set());
    assert_eq!((polls, late.get()), (2, false));
}

#[test]
fn an_event_is_there_for_the_next_when_who_was_told_leaves_before_he_clears_it() {
    run_virtual(async {
        let event = Event::new();
        for leaves in 0..2 {
            let mut turns = [Box::pin(event.wait_and_clear()), Box::pin(event.wait_and_clear())];
            for turn in &mut turns {
                assert!(poll_once(turn.as_mut()).await.is_pending());
            }
            event.set();
            event.set(); // no more than once
            let [first, second] = turns;
            let stays = if leaves == 0 { second } else { first };
            stays.await;
            assert!(!event.is_set() && poll_once(pin!(event.wait_and_clear())).await.is_pending());
        }
    });
}

#[test]
fn who_waited_is_let_go_though_the_event_is_cleared_before_it_is_told() {
    let event = Rc::new(Event::new());
    let ended = Rc::new(Cell::new(false));
    // Polled by the first one that is told, when the event is clear again.
    let mut second = Box::pin({
        let (event, ended) = (event.clone(), ended.clone());
        async move {
            event.wait().await;
            ended.set(true);
        }
    });
    let (woken, waker) = Woken::new();
    let clears = event.clone();
    let first: Task = Box::pin(async move {
        let mut turn = std::pin::pin!(clears.wait());
        std::future::poll_fn(|cx| {
            let is_told = turn.as_mut().poll(cx);
            if is_told.is_ready() {
                clears.clear();
            }
            let _ = second.as_mut().poll(&mut Context::from_waker(&waker));
            is_told
        })
        .await;
        forever().await
    });
    let polls = polls_of([first], || event.set());
    assert_eq!((polls, ended.get()), (1, true));
    assert_eq!(woken.take(), 0, "it knew");
}

#[test]
fn one_set_makes_one_poll_of_each_of_eight_threads_that_wait_for_the_event_again_and_again() {
    const THREADS: u32 = 8;
    static EVENT: Event<Shared> = Event::shared();
    static POLLS: AtomicU32 = AtomicU32::new(0);
    static GOT: AtomicU32 = AtomicU32::new(0);
    static END: AtomicBool = AtomicBool::new(false);

    fn wait_for(polls: u32) {
        while POLLS.load(SeqCst) < polls {
            std::thread::yield_now();
        }
    }
    /// When it has been woken, all others have been polled, and wait again.
    struct Slow;
    impl Wake for Slow {
        fn wake(self: Arc<Self>) {
            wait_for(2 * THREADS);
        }
    }
    let threads = [(); THREADS as usize].map(|()| {
        std::thread::spawn(|| {
            let mut task = std::pin::pin!(async {
                loop {
                    EVENT.wait_and_clear().await;
                    GOT.fetch_add(1, SeqCst);
                }
            });
            let (woken, waker) = Woken::new();
            waker.wake_by_ref();
            loop {
                let is_the_end = END.load(SeqCst);
                for _ in 0..woken.take() {
                    let Poll::Pending = task.as_mut().poll(&mut Context::from_waker(&waker));
                    POLLS.fetch_add(1, SeqCst);
                }
                if is_the_end {
                    return;
                }
                std::thread::yield_now();
            }
        })
    });
    wait_for(THREADS);
    let slow = Waker::from(Arc::new(Slow));
    let _last = [&slow, Waker::noop()].map(|waker| {
        let mut waits = Box::pin(EVENT.wait());
        assert!(waits.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        waits
    });
    EVENT.set();
    END.store(true, SeqCst);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!((POLLS.load(SeqCst), GOT.load(SeqCst)), (2 * THREADS, 1));
}

// ------------------------------------------------------------- wakers that do things when they are cloned

thread_local!(static ON_CLONE: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) });

/// Does what `ON_CLONE` has when it is cloned, once; counts its wakes.
fn busy(wakes: &Rc<Cell<u32>>) -> Waker {
    use std::task::{RawWaker, RawWakerVTable};
    fn clone(data: *const ()) -> RawWaker {
        if let Some(f) = ON_CLONE.take() {
            f();
        }
        RawWaker::new(data, &TABLE)
    }
    fn wake(data: *const ()) {
        // SAFETY: the test has the cell for longer than any waker.
        let wakes = unsafe { &*data.cast::<Cell<u32>>() };
        wakes.set(wakes.get() + 1);
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, |_| {});
    // SAFETY: it owns nothing, and stays on its thread.
    unsafe { Waker::from_raw(RawWaker::new(Rc::as_ptr(wakes).cast(), &TABLE)) }
}

#[test]
fn a_value_that_comes_while_a_waker_is_cloned_is_not_missed() {
    let wakes = Rc::new(Cell::new(0));
    let (channel, event) = (Rc::new(Channel::<u32, 2>::new()), Rc::new(Event::new()));
    let waker = busy(&wakes);
    let mut cx = Context::from_waker(&waker);

    let sends = channel.clone();
    ON_CLONE.set(Some(Box::new(move || sends.try_send(7).unwrap())));
    let mut receives = Box::pin(channel.receive());
    if receives.as_mut().poll(&mut cx) != Poll::Ready(Ok(7)) {
        assert_eq!(wakes.take(), 1, "nobody polls it again");
        assert_eq!(receives.as_mut().poll(&mut cx), Poll::Ready(Ok(7)));
    }

    let sets = event.clone();
    ON_CLONE.set(Some(Box::new(move || sets.set())));
    let mut waits = Box::pin(event.wait_and_clear());
    if waits.as_mut().poll(&mut cx).is_pending() {
        assert_eq!(wakes.take(), 1, "nobody polls it again");
        assert!(waits.as_mut().poll(&mut cx).is_ready());
    }
    assert!(!event.is_set());
}

// ------------------------------------------------------------------------------ wakers that panic

thread_local! {
    static PANICS_AT_WAKE: Cell<bool> = const { Cell::new(false) };
    static PANICS_AT_DROP: Cell<bool> = const { Cell::new(false) };
}

/// Panics where it is told to. Owns nothing.
fn panicking() -> Waker {
    use std::task::{RawWaker, RawWakerVTable};
    fn go_off(armed: &'static std::thread::LocalKey<Cell<bool>>) {
        if armed.get() {
            std::panic::resume_unwind(Box::new("the waker"));
        }
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| RawWaker::new(data, &TABLE),
        |_| go_off(&PANICS_AT_WAKE),
        |_| go_off(&PANICS_AT_WAKE),
        |_| go_off(&PANICS_AT_DROP),
    );
    // SAFETY: it owns nothing, and touches only what its thread has.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

#[test]
fn all_that_wait_for_an_event_are_told_though_wakers_panic() {
    let event = Event::new();
    let waker = std::mem::ManuallyDrop::new(panicking());
    let (woken, counting) = Woken::new();
    let mut waits = [&*waker, &counting, &waker, &counting].map(|waker| {
        let mut waits = Box::pin(event.wait());
        assert!(waits.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        waits
    });
    one_panic(&PANICS_AT_WAKE, || event.set());
    assert_eq!(woken.take(), 2, "one of those that wait was not told");
    event.clear();
    assert!(waits.iter_mut().all(|waits| waits.as_mut().poll(&mut Context::from_waker(&counting)).is_ready()));
}

#[test]
fn a_value_is_not_lost_though_a_clone_of_a_waker_panics_when_it_is_dropped() {
    let channel = Channel::<u32, 2>::new();
    let event = Event::new();
    let waker = std::mem::ManuallyDrop::new(panicking());
    for is_in_line in [false, true] {
        let mut receives = Box::pin(channel.receive());
        let mut waits = Box::pin(event.wait_and_clear());
        if is_in_line {
            assert!(receives.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        channel.try_send(7).unwrap();
        event.set();
        PANICS_AT_DROP.set(true);
        let received = catch_unwind(AssertUnwindSafe(|| receives.as_mut().poll(&mut Context::from_waker(&waker))));
        let waited = catch_unwind(AssertUnwindSafe(|| waits.as_mut().poll(&mut Context::from_waker(&waker))));
        PANICS_AT_DROP.set(false);
        let came = matches!(received, Ok(Poll::Ready(Ok(7))));
        drop((receives, waits));
        assert!(came || channel.try_receive() == Ok(7), "the value is lost");
        assert!(matches!(waited, Ok(Poll::Ready(()))) || event.clear(), "the event is lost");
    }
}
