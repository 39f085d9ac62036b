//! What tasks wait for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Wake, Waker, ready};

use giambio_core::{Clock, poll_proceed};

/// Something that happens once, and that tasks wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event(Rc<EventState>);

#[derive(Debug, Default)]
struct EventState {
    set: Cell<bool>,
    next: Cell<u64>,
    waiters: RefCell<VecDeque<(u64, Waker)>>,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn is_set(&self) -> bool {
        self.0.set.get()
    }
    /// Wakes all waiters, in the order in which they came.
    pub(crate) fn set(&self) {
        self.0.set.set(true);
        self.wake();
    }
    /// Wakes all waiters for nothing.
    pub(crate) fn wake(&self) {
        let waiters: Vec<_> = self.0.waiters.borrow().iter().cloned().collect();
        for (_, waker) in waiters {
            waker.wake();
        }
    }
    pub(crate) fn waiters(&self) -> usize {
        self.0.waiters.borrow().len()
    }
    pub(crate) fn wait(&self) -> EventWait {
        let number = self.0.next.replace(self.0.next.get() + 1);
        EventWait { event: self.clone(), number }
    }
}

#[derive(Debug)]
pub(crate) struct EventWait {
    event: Event,
    number: u64,
}

impl Future for EventWait {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let go = ready!(poll_proceed(cx));
        if self.event.is_set() {
            go.made_progress();
            return Poll::Ready(());
        }
        let mut waiters = self.event.0.waiters.borrow_mut();
        match waiters.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => waiters.push_back((self.number, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for EventWait {
    fn drop(&mut self) {
        self.event.0.waiters.borrow_mut().retain(|(number, _)| *number != self.number);
    }
}

/// Values for one receiver.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox<T>(Rc<MailboxState<T>>);

#[derive(Debug)]
struct MailboxState<T> {
    values: RefCell<VecDeque<T>>,
    receiver: RefCell<Option<Waker>>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Self {
        Mailbox(Rc::new(MailboxState { values: RefCell::new(VecDeque::new()), receiver: RefCell::new(None) }))
    }
    pub(crate) fn send(&self, value: T) {
        self.0.values.borrow_mut().push_back(value);
        let receiver = self.0.receiver.borrow_mut().take();
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }
    pub(crate) async fn receive(&self) -> T {
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            if let Some(value) = self.0.values.borrow_mut().pop_front() {
                go.made_progress();
                return Poll::Ready(value);
            }
            *self.0.receiver.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// As a full channel or a socket with data: always ready.
pub(crate) async fn always_ready() {
    poll_fn(poll_proceed).await.made_progress();
}

/// Never ready; leaves the waker of each of its polls behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakers(Rc<RefCell<Vec<Waker>>>);

impl Wakers {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn polls(&self) -> usize {
        self.0.borrow().len()
    }
    pub(crate) fn last(&self) -> Waker {
        self.0.borrow().last().expect("it was polled").clone()
    }
    /// Fires all that were kept.
    pub(crate) fn fire(&self) {
        let wakers = self.0.borrow().clone();
        for waker in wakers {
            waker.wake_by_ref();
            waker.wake();
        }
    }
    pub(crate) async fn wait<T>(&self) -> T {
        poll_fn(|cx| {
            self.0.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// Yields without asking the core: as a future of another library does.
pub(crate) async fn foreign_yield() {
    let mut polled = false;
    poll_fn(|cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Never ready, and doesn't ask the core.
pub(crate) async fn forever<T>() -> T {
    std::future::pending().await
}
