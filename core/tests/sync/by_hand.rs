//! One who waits, polled by hand: nobody else has a say in when.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::common::Woken;

pub(crate) struct ByHand<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    woken: Arc<Woken>,
    waker: Waker,
}

impl<'a, T> ByHand<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        let (woken, waker) = Woken::new();
        ByHand { future: Box::pin(future), woken, waker }
    }

    /// Begins to wait.
    #[track_caller]
    pub(crate) fn waiting(future: impl Future<Output = T> + 'a) -> Self {
        let mut this = ByHand::new(future);
        assert!(this.poll().is_pending(), "it need not wait");
        this
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Since the last look.
    pub(crate) fn is_woken(&self) -> bool {
        self.woken.take() > 0
    }

    /// It was woken, and that for something.
    #[track_caller]
    pub(crate) fn goes_on(&mut self) -> T {
        assert!(self.is_woken(), "nobody woke it");
        match self.poll() {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it was woken for nothing"),
        }
    }

    /// Nobody woke it, and it would wait on.
    #[track_caller]
    pub(crate) fn waits(&mut self)
    where
        T: Debug,
    {
        assert!(!self.is_woken(), "it was woken");
        if let Poll::Ready(value) = self.poll() {
            panic!("it has got {value:?}");
        }
    }
}

/// The value of a future that need not wait.
#[track_caller]
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match ByHand::new(future).poll() {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}
