//! What notices: logs, counts of objects, polls and wakes, futures that must not be moved, and such as can be paused.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::now;
use giambio_core::Clock;

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Woken(AtomicU32);

impl Woken {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let woken = Arc::new(Self::default());
        let waker = Waker::from(woken.clone());
        (woken, waker)
    }
    /// How many wakes since the last look.
    pub(crate) fn take(&self) -> u32 {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker of somebody whose code panics when it is called, with the text "the waker".
pub(crate) fn panics_when_woken() -> Waker {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            resume_unwind(Box::new("the waker"));
        }
    }
    Waker::from(Arc::new(Panics))
}

/// What happened, in order.
#[derive(Debug, Default)]
pub(crate) struct Log(RefCell<Vec<String>>);

impl Log {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn add(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }
    /// Adds the text with the time in whole seconds before it.
    pub(crate) fn at(&self, what: &str) {
        self.add(format!("{} {what}", now().as_secs_f64()));
    }
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
    pub(crate) fn has(&self, what: &str) -> bool {
        self.0.borrow().iter().any(|line| line == what)
    }
    /// A value that logs when it is dropped.
    pub(crate) fn on_drop<'a>(&'a self, what: &'static str) -> OnDrop<impl FnOnce() + 'a> {
        on_drop(move || self.add(what))
    }
}

/// Does something when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

pub(crate) fn on_drop<F: FnOnce()>(f: F) -> OnDrop<F> {
    OnDrop(Some(f))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Counts objects: how many were made, how many are left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live(Rc<(Cell<u64>, Cell<u64>)>);

impl Live {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn object(&self) -> Object {
        self.0.0.set(self.0.0.get() + 1);
        self.0.1.set(self.0.1.get() + 1);
        Object { live: self.clone(), dropped: Cell::new(false) }
    }
    pub(crate) fn made(&self) -> u64 {
        self.0.0.get()
    }
    pub(crate) fn left(&self) -> u64 {
        self.0.1.get()
    }
}

/// One counted object, which notices being dropped twice.
#[derive(Debug)]
pub(crate) struct Object {
    live: Live,
    dropped: Cell<bool>,
}

impl Drop for Object {
    fn drop(&mut self) {
        assert!(!self.dropped.replace(true), "an object was dropped twice");
        self.live.0.1.set(self.live.0.1.get() - 1);
    }
}

/// A hostile future: panics if it is polled or dropped elsewhere than where it was polled first.
pub(crate) struct NoMove<F> {
    at: Cell<usize>,
    inner: RefCell<Pin<Box<F>>>,
    _pinned: PhantomPinned,
}

impl<F: Future> NoMove<F> {
    pub(crate) fn new(inner: F) -> Self {
        NoMove { at: Cell::new(0), inner: RefCell::new(Box::pin(inner)), _pinned: PhantomPinned }
    }
}

impl<F: Future> Future for NoMove<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.as_ref().get_ref();
        let here = std::ptr::from_ref(this).addr();
        if this.at.get() == 0 {
            this.at.set(here);
        }
        assert_eq!(this.at.get(), here, "a future was moved after its first poll");
        this.inner.borrow_mut().as_mut().poll(cx)
    }
}

impl<F> Drop for NoMove<F> {
    fn drop(&mut self) {
        let here = std::ptr::from_ref(self).addr();
        if self.at.get() != 0 && !std::thread::panicking() {
            assert_eq!(self.at.get(), here, "a future was moved before it was dropped");
        }
    }
}

/// Counts the polls of what is inside.
pub(crate) struct Counted<'a, F> {
    polls: &'a Cell<u32>,
    inner: Pin<Box<F>>,
}

pub(crate) fn counted<F: Future>(polls: &Cell<u32>, inner: F) -> Counted<'_, F> {
    Counted { polls, inner: Box::pin(inner) }
}

impl<F: Future> Future for Counted<'_, F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.inner.as_mut().poll(cx)
    }
}

/// Skips polling what is inside while the door is shut, though it be woken.
pub(crate) struct Pausing<'a, F> {
    open: &'a Cell<bool>,
    inner: Pin<Box<F>>,
}

pub(crate) fn pausing<F: Future>(open: &Cell<bool>, inner: F) -> Pausing<'_, F> {
    Pausing { open, inner: Box::pin(inner) }
}

impl<F: Future> Future for Pausing<'_, F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.open.get() { self.inner.as_mut().poll(cx) } else { Poll::Pending }
    }
}
