//! Sockets that are polled by other executors within a run: their wakers may do anything, and panic as well.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::Duration;

use crate::common::{pair, settle};
use giambio::net::{TcpListener, TcpStream};

thread_local! {
    static WAKE: Cell<bool> = const { Cell::new(false) };
    static DROP: Cell<bool> = const { Cell::new(false) };
    static WOKEN: Cell<u32> = const { Cell::new(0) };
    static CLONE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// Panics when it is woken or dropped, if it is told to, while another panic unwinds too.
fn panicking() -> Waker {
    fn go_off(armed: bool) {
        if armed {
            resume_unwind(Box::new("the waker"));
        }
    }
    fn woken() {
        WOKEN.set(WOKEN.get() + 1);
        go_off(WAKE.get());
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            CLONE.take().into_iter().for_each(|what| what());
            RawWaker::new(data, &TABLE)
        },
        |_| woken(),
        |_| woken(),
        |_| go_off(DROP.get()),
    );
    // SAFETY: it owns nothing, and touches only what its thread has.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

#[derive(Default)]
struct Counts(AtomicU32);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

type Receives = Pin<Box<dyn Future<Output = io::Result<usize>>>>;

/// Waits for a byte, and has been polled with that waker.
fn receives(stream: &Rc<TcpStream>, waker: &Waker) -> Receives {
    let stream = stream.clone();
    let mut receives: Receives = Box::pin(async move { stream.receive(&mut [0]).await });
    assert!(receives.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    receives
}

fn is_the_wakers<T>(result: std::thread::Result<T>) -> bool {
    result.is_err_and(|panic| panic.downcast_ref::<&str>() == Some(&"the waker"))
}

#[test]
fn events_that_come_together_reach_all_though_the_waker_of_the_first_panics() {
    let counts = Arc::new(Counts::default());
    let counting = Waker::from(counts.clone());
    let result = catch_unwind(AssertUnwindSafe(|| {
        giambio::run(async {
            let mut all = Vec::new();
            for waker in [panicking(), counting, panicking()] {
                let (ours, theirs) = pair().await;
                let ours = Rc::new(ours);
                all.push((receives(&ours, &waker), theirs));
            }
            for (_, theirs) in &all {
                theirs.send_all(b"x").await.unwrap();
            }
            WAKE.set(true);
            giambio::sleep(Duration::from_secs(20)).await;
        });
    }));
    WAKE.set(false);
    assert!(is_the_wakers(result));
    assert_eq!(counts.0.load(Ordering::SeqCst), 1, "the second socket is never heard of again");
}

#[test]
fn two_that_wait_are_dropped_together_by_one_panic_of_their_wakers() {
    giambio::run(async {
        let waker = panicking();
        let (ours, theirs) = pair().await;
        let both = (receives(&Rc::new(ours), &waker), receives(&Rc::new(theirs), &waker));
        DROP.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| drop(both)));
        DROP.set(false);
        assert!(is_the_wakers(result));
    });
}

#[test]
fn two_calls_that_run_are_given_up_together_by_one_panic_of_their_wakers() {
    giambio::run(async {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let receiver = Arc::new(std::sync::Mutex::new(receiver));
        let waker = panicking();
        let both = [(); 2].map(|()| {
            let receiver = receiver.clone();
            let mut call = Box::pin(giambio::unblock(move || receiver.lock().unwrap().recv()));
            assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            call
        });
        DROP.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| drop(both)));
        DROP.set(false);
        assert!(is_the_wakers(result));
        drop(sender);
    });
}

#[test]
fn a_call_that_waits_for_a_thread_is_dropped_by_one_panic_of_it_and_its_waker() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            resume_unwind(Box::new("the call"));
        }
    }
    let one = std::num::NonZeroUsize::MIN;
    giambio::builder().blocking_threads(one).run(async {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let first = giambio::unblock(move || held.recv().is_err());
        let mut first = Box::pin(first);
        assert!(crate::common::poll_once(&mut first).await.is_none());
        let captured = Panics;
        let mut second = Box::pin(giambio::unblock(move || std::mem::forget(captured)));
        let waker = panicking();
        assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        DROP.set(true);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(second)));
        DROP.set(false);
        assert_eq!(dropped.unwrap_err().downcast_ref::<&str>(), Some(&"the call"));
        drop(hold);
        assert!(first.await);
    });
}

#[test]
fn all_who_wait_to_accept_are_told_that_the_listener_closes_though_their_wakers_panic() {
    giambio::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let counts = Arc::new(Counts::default());
        let mut all = Vec::new();
        for waker in [panicking(), panicking(), Waker::from(counts.clone())] {
            let mut accepts = Box::pin(listener.accept());
            assert!(accepts.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            all.push(accepts);
        }
        WAKE.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| listener.close()));
        WAKE.set(false);
        assert!(is_the_wakers(result));
        assert_eq!(counts.0.load(Ordering::SeqCst), 1, "the last one is not told");
        DROP.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| drop(all)));
        DROP.set(false);
        assert!(result.is_ok(), "they were told, and have no wakers any more");
    });
}

/// The first of two that accept gives up while the waker of the second is cloned.
#[test]
fn who_comes_first_in_a_line_while_its_waker_is_cloned_waits_for_the_socket() {
    giambio::run(async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let [mut first, mut second] = [(); 2].map(|()| {
            let listener = listener.clone();
            Box::pin(async move { listener.accept().await })
        });
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        CLONE.set(Some(Box::new(move || drop(first))));
        WOKEN.set(0);
        assert!(second.as_mut().poll(&mut Context::from_waker(&panicking())).is_pending());
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        settle().await;
        assert!(WOKEN.get() > 0, "a connection is there, and nobody is told");
    });
}

#[test]
fn a_socket_that_is_closed_while_its_waker_is_cloned_does_not_wait_for_ever() {
    giambio::run(async {
        let (ours, _theirs) = pair().await;
        let ours = Rc::new(ours);
        let stream = ours.clone();
        CLONE.set(Some(Box::new(move || stream.close())));
        let mut receives = Box::pin(async move { ours.receive(&mut [0]).await });
        let waker = panicking();
        let poll = receives.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(matches!(poll, Poll::Ready(Err(_))), "{poll:?}");
    });
}
