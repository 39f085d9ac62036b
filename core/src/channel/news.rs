//! Values that go to each who has subscribed, of which the last few are kept: what broadcasts are made of.

use core::cell::{Cell, RefCell, RefMut};
use core::convert::Infallible;

use super::buffer::Buffer;
use super::errors::{BroadcastError, SendError};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{Access, Held, Line, Turn, WaitQueue, Waiting};

/// See the module.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct News<B, K: Access> {
    queue: WaitQueue<Kept<B>, Infallible, K>,
}

struct Kept<B> {
    values: RefCell<Values<B>>,
    subscribers: Cell<usize>,
}

struct Values<B> {
    buffer: B,
    /// How many were ever sent.
    sent: u64,
    is_closed: bool,
}

/// Values in a row. Nobody else can implement it, for nobody else can name it.
pub trait Row: Buffer {
    fn nth(&self, n: usize) -> Option<&Self::Value>;
}

struct AValue;

impl Named for AValue {
    const NAME: &'static str = "value of broadcast";
}

impl<B> Held for Kept<B> {}

impl<B: Row> Kept<B> {
    /// The values, to be changed. They are looked at by the `clone` of one alone, which may come back.
    fn change(&self) -> RefMut<'_, Values<B>> {
        let Ok(values) = self.values.try_borrow_mut() else {
            panic!("giambio: a `Broadcast` is changed by the `clone` of a value in it")
        };
        values
    }
}

impl<B: Row> Values<B> {
    /// Puts a value in; returns the one that has to go.
    fn push(&mut self, value: B::Value) -> Result<Option<B::Value>, SendError<B::Value>> {
        if self.is_closed {
            return Err(SendError(value));
        }
        let oldest = if self.buffer.len() == self.buffer.capacity() { self.buffer.pop() } else { None };
        self.sent += 1;
        self.buffer.push(value);
        Ok(oldest)
    }

    fn get(&self, next: &mut u64) -> Option<Result<B::Value, BroadcastError>>
    where
        B::Value: Clone,
    {
        let oldest = self.sent - self.buffer.len() as u64;
        if *next < oldest {
            let missed = oldest - *next;
            *next = oldest;
            if !fault!("lag-is-not-told") {
                return Some(Err(BroadcastError::Lagged(missed)));
            }
        }
        match self.buffer.nth((*next - oldest) as usize) {
            Some(value) => {
                let value = value.clone();
                *next += 1;
                Some(Ok(value))
            }
            None => self.is_closed.then_some(Err(BroadcastError::Closed)),
        }
    }
}

impl<B: Row, K: Access> News<B, K> {
    pub(super) const fn new(buffer: B) -> Self {
        let values = RefCell::new(Values { buffer, sent: 0, is_closed: false });
        News { queue: WaitQueue::new(Kept { values, subscribers: Cell::new(0) }) }
    }

    pub(super) const fn set_name(&mut self, name: &'static str) {
        self.queue.set_name(name);
    }

    pub(super) fn send(&self, value: B::Value) -> Result<(), SendError<B::Value>> {
        // The destructor of the oldest runs when nothing is held any more.
        let oldest = self.queue.calling().tell_if(|kept| {
            let pushed = kept.change().push(value);
            let is_sent = pushed.is_ok();
            (pushed, is_sent)
        });
        oldest.map(drop)
    }

    pub(super) fn close(&self) {
        self.queue.calling().tell_if(|kept| {
            kept.change().is_closed = true;
            ((), true)
        });
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue.calling().with(|kept| kept.values.borrow().is_closed)
    }

    /// How many were ever sent.
    pub(super) fn sent(&self) -> u64 {
        self.queue.calling().with(|kept| kept.values.borrow().sent)
    }

    /// How many are kept.
    #[cfg(feature = "alloc")]
    pub(super) fn capacity(&self) -> usize {
        self.queue.calling().with(|kept| kept.values.borrow().buffer.capacity())
    }

    /// Changes the buffer, so that more are kept.
    #[cfg(feature = "alloc")]
    pub(super) fn enlarge(&self, change: impl FnOnce(&mut B)) {
        self.queue.calling().with(|kept| change(&mut kept.change().buffer));
    }

    pub(super) fn subscribers(&self) -> usize {
        self.queue.calling().with(|kept| kept.subscribers.get())
    }

    /// One more; the number of the value that it gets next.
    pub(super) fn comes(&self) -> u64 {
        self.queue.calling().with(|kept| {
            kept.subscribers.set(kept.subscribers.get() + 1);
            kept.values.borrow().sent
        })
    }

    pub(super) fn goes(&self) {
        self.queue.calling().with(|kept| kept.subscribers.set(kept.subscribers.get() - 1));
    }

    /// Waits for the value that one gets next.
    pub(super) fn receive(
        &self,
        next: &mut u64,
        place: CallSite,
    ) -> impl Future<Output = Result<B::Value, BroadcastError>>
    where
        B::Value: Clone,
    {
        let look = move |kept: &Kept<B>, _: &Line<Infallible>, _: Turn<Infallible>| kept.values.borrow().get(next);
        leaf::<AValue, _>(Waiting::new(self.queue.calling(), look), place)
    }

    pub(super) fn try_receive(&self, next: &mut u64) -> Option<Result<B::Value, BroadcastError>>
    where
        B::Value: Clone,
    {
        self.queue.calling().with(|kept| kept.values.borrow().get(next))
    }
}
