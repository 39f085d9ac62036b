//! Values on their way, who waits on either side, and what is promised to whom: what channels are made of.
//!
//! Each value in the buffer is free, or promised to somebody in the line of those who receive; each place is taken, free, or
//! promised: to somebody in the line of those who send, or to a [slot](super::Slot). Nobody waits for what is free. What is
//! promised is counted, and so nothing is to be changed where nobody waits.

use core::cell::Cell;
#[cfg(feature = "alloc")]
use core::cell::RefCell;
use core::task::Waker;

#[cfg(feature = "alloc")]
use super::buffer::Buffer;
use super::buffer::{MOST, Store};
use super::counts::Counts;
use super::errors::{Closed, SendError, TryReceiveError, TrySendError};
use crate::budgeted::{Named, leaf, tells};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::foreign;
use crate::kernel::wait_queue::{Access, Between, End, Inside, Line, Place, Side, Sides, Waiting};
use crate::panics::First;

/// See the module.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Buffered<B, K: Access> {
    sides: Sides<Books<B>, K>,
}

/// What is counted of a channel. It is changed under the access, where nobody else's code runs: no destructor of a value, no
/// waker.
pub(super) struct Books<B> {
    values: B,
    /// Of these, those that are promised to somebody in line; with [`CLOSED`], as `kept` has.
    promised: Cell<usize>,
    /// Places that are promised to somebody in line, or to a slot.
    kept: Cell<usize>,
    slots: Cell<usize>,
    peak: Cell<usize>,
    ends: Counts,
}

/// The top bit of both counts: it is closed. It is as if all were promised, so who finds a free value or place need not ask.
const CLOSED: usize = MOST + 1;

/// What those wait for who receive.
struct AValue;

impl Named for AValue {
    const NAME: &'static str = "value of channel";
}

/// What those wait for who send.
pub(super) struct Room;

impl Named for Room {
    const NAME: &'static str = "room in channel";
}

/// A place in line.
pub(super) type PlaceOf<'a, B, K> = Place<End<'a, Books<B>, K>>;
/// What lies under the access.
pub(super) type InsideOf<B> = Inside<Books<B>>;

impl<B: Store> Books<B> {
    fn has_room(&self) -> bool {
        !self.is_closed() && self.values.len() + self.kept.get() < self.values.capacity()
    }

    /// Puts a value in, where more than `kept` places are free: whom to wake.
    fn put(&self, kept: usize, value: &mut Option<B::Value>, receivers: &Line<()>) -> Option<Option<Waker>> {
        let len = self.values.push(kept, value)?;
        if len > self.peak.get() {
            self.peak.set(len);
        }
        Some(self.offer_value(receivers))
    }

    /// One more value is promised to nobody: it is for the first who waits, or for anyone; returns whom to wake.
    fn offer_value(&self, receivers: &Line<()>) -> Option<Waker> {
        let waker = receivers.grant(()).ok()?;
        self.promised.update(|count| count + 1);
        waker
    }

    /// One more place is free, unless it is closed; returns whom to wake.
    fn release(&self, senders: &Line<()>) -> Option<Waker> {
        if self.is_closed() { None } else { self.offer_place(senders) }
    }

    /// One more place is promised to nobody: it is for the first who waits, or for anyone; returns whom to wake.
    #[inline]
    fn offer_place(&self, senders: &Line<()>) -> Option<Waker> {
        let waker = senders.grant(()).ok()?;
        self.kept.update(|count| count + 1);
        waker
    }

    /// Takes the first value, if one is promised to nobody; and whom to wake over its place.
    #[expect(clippy::type_complexity, reason = "no more than it says")]
    fn fetch(&self, inside: &InsideOf<B>) -> Option<(Result<B::Value, Closed>, Option<Waker>)> {
        match self.values.pop(self.promised.get()) {
            // A closed channel has none that is free.
            Some(value) => Some((Ok(value), self.offer_place(&inside.senders))),
            None if self.is_closed() => self.fetch_at_end(&inside.receivers),
            None => None,
        }
    }

    /// The same of a closed channel, which has no place for anybody. Who takes the last value, or is told the end, tells the
    /// next.
    #[cfg_attr(feature = "std", cold)]
    #[expect(clippy::type_complexity, reason = "no more than it says")]
    fn fetch_at_end(&self, receivers: &Line<()>) -> Option<(Result<B::Value, Closed>, Option<Waker>)> {
        match self.values.pop(self.promised.get() & !CLOSED) {
            None if !self.is_over() => None,
            value => Some((value.ok_or(Closed), self.tell_end(receivers))),
        }
    }

    /// Where it is over, the first who waits to receive is to be told; returns whom to wake.
    fn tell_end(&self, receivers: &Line<()>) -> Option<Waker> {
        if self.is_over() { receivers.grant(()).ok()? } else { None }
    }

    /// Nothing is left, and nothing more will be put in.
    fn is_over(&self) -> bool {
        self.is_closed() && self.slots.get() == 0 && (self.values.len() == 0 || fault!("the-end-before-the-last-value"))
    }

    fn is_closed(&self) -> bool {
        self.kept.get() >= CLOSED
    }

    fn close(&self) {
        for count in [&self.kept, &self.promised] {
            count.set(count.get() | CLOSED);
        }
    }

    /// A slot is given back; its place is free.
    fn return_slot(&self) {
        self.slots.update(|count| count - 1);
        self.kept.update(|count| count - 1);
    }
}

/// Puts a value in, if there is a place for it: whom to wake, or the value if the channel is closed.
pub(super) fn send_in<B: Store>(
    inside: &InsideOf<B>,
    value: &mut Option<B::Value>,
) -> Option<Result<Option<Waker>, SendError<B::Value>>> {
    let books = &inside.state;
    match books.put(books.kept.get(), value, &inside.receivers) {
        None if books.is_closed() => Some(Err(SendError(value.take()?))),
        receiver => receiver.map(Ok),
    }
}

impl<B: Store> Between for Books<B> {
    fn take_back(inside: &InsideOf<B>, side: Side) {
        let books = &inside.state;
        match side {
            Side::Sends => books.kept.update(|count| count - 1),
            // Where nothing is left, it was to be told the end.
            Side::Receives => books.promised.update(|count| if count & !CLOSED == 0 { count } else { count - 1 }),
        }
    }

    fn serve(inside: &InsideOf<B>, side: Side) -> Option<Waker> {
        let books = &inside.state;
        match side {
            Side::Sends if fault!("place-lost-with-its-sender") => None,
            Side::Sends => books.release(&inside.senders),
            Side::Receives if fault!("value-lost-with-its-receiver") => None,
            Side::Receives if books.values.len() == 0 => books.tell_end(&inside.receivers),
            Side::Receives => books.offer_value(&inside.receivers),
        }
    }
}

impl<B: Store, K: Access> Buffered<B, K> {
    pub(super) const fn new(values: B) -> Self {
        let books = Books {
            values,
            promised: Cell::new(0),
            kept: Cell::new(0),
            slots: Cell::new(0),
            peak: Cell::new(0),
            ends: Counts::new(),
        };
        Buffered { sides: Sides::new(books) }
    }

    pub(super) const fn set_name(&mut self, name: &'static str) {
        self.sides.set_name(name);
    }

    /// A place in the line of those who send.
    pub(super) const fn place(&self) -> PlaceOf<'_, B, K> {
        Place::new(self.sides.end(Side::Sends))
    }

    /// Looks at the counts.
    fn look<R>(&self, f: impl FnOnce(&Books<B>) -> R) -> R {
        self.sides.with(|inside| f(&inside.state))
    }

    pub(super) fn try_send(&self, value: B::Value) -> Result<(), TrySendError<B::Value>> {
        let mut value = Some(value);
        match (self.put(&mut value), value) {
            (Some(Ok(receiver)), _) => {
                wake(receiver);
                Ok(())
            }
            (Some(Err(SendError(value))), _) => Err(TrySendError::Closed(value)),
            (None, Some(value)) => Err(TrySendError::Full { value, capacity: self.capacity() }),
            (None, None) => unreachable!("giambio: a value that was not sent is still there"),
        }
    }

    /// Puts a value in, if there is a place that is promised to nobody: whom to wake, or the value if the channel is closed.
    pub(super) fn put(&self, value: &mut Option<B::Value>) -> Option<Result<Option<Waker>, SendError<B::Value>>> {
        self.sides.with(|inside| send_in(inside, value))
    }

    pub(super) fn try_receive(&self) -> Result<B::Value, TryReceiveError> {
        let Some((value, sender)) = self.fetch() else { return Err(TryReceiveError::Empty) };
        wake(sender);
        value.map_err(|Closed| TryReceiveError::Closed)
    }

    /// Waits for a value; it comes with whom to wake over its place.
    pub(super) fn receive(&self, place: CallSite) -> impl Future<Output = (Result<B::Value, Closed>, Option<Waker>)> {
        let fetch = |inside: &InsideOf<B>, _: &_, _| inside.state.fetch(inside);
        tells::<AValue, _>(Waiting::new(self.sides.end(Side::Receives), fetch), place)
    }

    /// Takes the first value that is promised to nobody, and whom to wake over its place.
    #[expect(clippy::type_complexity, reason = "no more than it says")]
    fn fetch(&self) -> Option<(Result<B::Value, Closed>, Option<Waker>)> {
        self.sides.with(|inside| inside.state.fetch(inside))
    }

    /// Waits for a place to be a slot's.
    pub(super) fn slot<S>(&self, new: impl Fn() -> S, place: CallSite) -> impl Future<Output = Result<S, Closed>> {
        let take = move |inside: &InsideOf<B>, _: &_, _| match reserve(&inside.state) {
            Err(TrySendError::Full { .. }) => None,
            Err(TrySendError::Closed(())) => Some(Err(Closed)),
            Ok(()) => Some(Ok(new())),
        };
        leaf::<Room, _>(Waiting::new(self.sides.end(Side::Sends), take), place)
    }

    /// Makes a place a slot's.
    pub(super) fn try_slot(&self) -> Result<(), TrySendError<()>> {
        self.look(reserve)
    }

    /// Puts a value into a slot.
    pub(super) fn fill_slot(&self, value: B::Value) {
        let woken = self.sides.with(|inside| {
            let books = &inside.state;
            books.return_slot();
            // Its place was kept for it, also where it was closed since.
            books.put(books.kept.get() & !CLOSED, &mut Some(value), &inside.receivers)
        });
        let Some(receiver) = woken else { unreachable!("giambio: a place was kept for it") };
        wake(receiver);
    }

    /// Gives a slot back.
    pub(super) fn return_slot(&self) {
        let (sender, is_over) = self.sides.with(|inside| {
            let books = &inside.state;
            books.return_slot();
            (books.release(&inside.senders), books.is_over())
        });
        // Where it is over, it was closed, and nobody waits for a place.
        foreign::wake(sender);
        if is_over {
            self.sides.tell_all(Side::Receives);
        }
    }

    pub(super) fn close(&self) {
        let is_over = self.look(|books| {
            books.close();
            books.is_over()
        });
        let mut first = First::new();
        first.catch(|| self.sides.tell_all(Side::Sends));
        // As long as there are values or slots, more may come.
        if is_over && !fault!("close-tells-senders-alone") {
            first.catch(|| self.sides.tell_all(Side::Receives));
        }
        first.resume();
    }

    /// Takes what is there now and promised to nobody.
    pub(super) fn drain(&self) -> impl Iterator<Item = B::Value> {
        (0..self.len()).map_while(|_| self.try_receive().ok())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.look(Books::is_closed)
    }

    pub(super) fn len(&self) -> usize {
        self.look(|books| books.values.len())
    }

    pub(super) fn capacity(&self) -> usize {
        self.look(|books| books.values.capacity())
    }

    pub(super) fn peak(&self) -> usize {
        self.look(|books| books.peak.get())
    }

    pub(super) fn end_comes(&self, side: Side) {
        self.look(|books| books.ends.come(side));
    }

    pub(super) fn end_goes(&self, side: Side) {
        if self.look(|books| books.ends.go(side)) {
            self.close();
        }
    }
}

#[cfg(feature = "alloc")]
impl<B: Buffer, K: Access> Buffered<RefCell<B>, K> {
    /// Changes the buffer, so that there are more places, and wakes who has waited for them.
    pub(super) fn enlarge(&self, change: impl FnOnce(&mut B)) {
        self.look(|books| change(&mut books.values.borrow_mut()));
        let next = || {
            self.sides.with(|inside| {
                let books = &inside.state;
                let goes_on = books.has_room() && inside.senders.is_waited_in();
                goes_on.then(|| books.offer_place(&inside.senders))
            })
        };
        let mut first = First::new();
        while let Some(waker) = next() {
            first.catch(|| wake(waker));
        }
        first.resume();
    }
}

fn reserve<B: Store>(books: &Books<B>) -> Result<(), TrySendError<()>> {
    match () {
        () if books.is_closed() => Err(TrySendError::Closed(())),
        () if books.has_room() => {
            books.kept.update(|count| count + 1);
            books.slots.update(|count| count + 1);
            Ok(())
        }
        () => Err(TrySendError::Full { value: (), capacity: books.values.capacity() }),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
