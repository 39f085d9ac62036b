//! Those who wait to accept: one after the other, first come, first served.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use giambio_core::{__fault as fault, is_cancelled};

use crate::foreign::{First, wake_all};

/// Who waits, in the order in which they came. The first has its turn.
#[derive(Default)]
pub(super) struct Line {
    places: RefCell<BTreeMap<u64, Option<Waker>>>,
    next: Cell<u64>,
    is_over: Cell<bool>,
}

impl Line {
    /// Takes the last place.
    pub(super) fn join(&self) -> Place<'_> {
        let number = self.next.get();
        self.next.set(number + 1);
        self.places.borrow_mut().insert(number, None);
        Place { line: self, number }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }

    /// From now on nobody has to wait here.
    pub(super) fn end(&self) {
        self.is_over.set(true);
        let wakers: Vec<_> = self.places.borrow_mut().values_mut().filter_map(Option::take).collect();
        wake_all(wakers);
    }
}

/// Does what waits in a line. In cancelled code, where it gets no further, it has no place: a shield beside it may hold that
/// for long. By reference it may go on where nothing is cancelled, at the end of the line.
pub(super) async fn giving_way<F: Future>(begin: impl Fn() -> F) -> F::Output {
    let mut waiting = pin!(None);
    poll_fn(|cx| {
        if is_cancelled() && !fault!("turn-kept-in-cancelled-code") {
            waiting.set(None);
            return Poll::Pending;
        }
        let mut waiting = waiting.as_mut();
        if waiting.is_none() {
            waiting.set(Some(begin()));
        }
        waiting.as_pin_mut().map_or(Poll::Pending, |waiting| waiting.poll(cx))
    })
    .await
}

/// A place in the line. Who drops it lets the others move up.
pub(super) struct Place<'a> {
    line: &'a Line,
    number: u64,
}

impl Place<'_> {
    /// Waits for its turn. The waker is foreign code, and may use the line: it is called, cloned and dropped while nothing is
    /// borrowed.
    pub(super) fn poll_turn(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_due() {
            let new = Some(cx.waker().clone());
            let old = self.line.places.borrow_mut().insert(self.number, new);
            drop(old);
        }
        // Meanwhile its turn may have come, when nobody knew yet whom to tell.
        if self.is_due() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_due(&self) -> bool {
        self.line.is_over.get() || self.is_first()
    }

    fn is_first(&self) -> bool {
        self.line.places.borrow().first_key_value().is_some_and(|(first, _)| *first == self.number)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let is_first = self.is_first();
        let mut places = self.line.places.borrow_mut();
        let own = places.remove(&self.number);
        let next = if is_first && !fault!("turn-to-accept-not-handed-on") { places.first_entry() } else { None };
        let next = next.and_then(|mut next| next.get_mut().take());
        drop(places);
        let mut first = First::new();
        if let Some(next) = next {
            first.catch(|| next.wake());
        }
        first.catch(|| drop(own));
        first.resume();
    }
}
