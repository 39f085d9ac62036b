//! Values on their way, who waits on either side, and what is promised to whom: what channels are made of.
//!
//! Each value in the buffer is free, or promised to somebody in the line of those who receive; each place is taken, free, or
//! promised: to somebody in the line of those who send, or to a [slot](super::Slot). Nobody waits for what is free.

use core::cell::RefCell;
use core::task::Waker;

use super::buffer::Buffer;
use super::counts::{Counts, Side};
use super::errors::{Closed, SendError, TryReceiveError, TrySendError};
use crate::budgeted::{Named, leaf, tells};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::foreign;
use crate::kernel::wait_queue::{Access, Awaits, Inside, Line, Senders, Sides, Turn, Waiting};
use crate::panics::First;

/// See the module.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Buffered<B, K: Access> {
    sides: Sides<RefCell<Books<B>>, K>,
}

/// What is counted of a channel. It is changed under the access, where nobody else's code runs: no destructor of a value, no
/// waker.
pub(super) struct Books<B> {
    buffer: B,
    /// Values that are promised to nobody.
    free: usize,
    /// Places that are promised to somebody in line, or to a slot.
    promised: usize,
    slots: usize,
    peak: usize,
    ends: Counts,
    is_closed: bool,
}

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

/// May a value be put in, or a place be had?
enum Admission {
    Granted,
    Full,
    Closed,
}

/// Leads to the line of those who send.
pub(super) type SendersOf<'a, B, K> = Senders<'a, RefCell<Books<B>>, K>;
/// What lies under the access.
pub(super) type InsideOf<B> = Inside<RefCell<Books<B>>>;

impl<B: Buffer> Books<B> {
    fn admit(&mut self, turn: Turn<()>) -> Admission {
        let is_promised = turn == Turn::Granted(());
        self.promised -= usize::from(is_promised);
        match () {
            () if self.is_closed => Admission::Closed,
            () if is_promised || self.has_room() => Admission::Granted,
            () => Admission::Full,
        }
    }

    fn has_room(&self) -> bool {
        self.buffer.len() + self.promised < self.buffer.capacity()
    }

    /// Puts a value in, where a place is free; returns whom to wake.
    fn put(&mut self, value: B::Value, receivers: &Line<()>) -> Option<Waker> {
        self.buffer.push(value);
        self.peak = self.peak.max(self.buffer.len());
        self.offer(receivers)
    }

    /// One more value is there to be fetched, by the first who waits or by anyone; returns whom to wake.
    fn offer(&mut self, receivers: &Line<()>) -> Option<Waker> {
        receivers.grant(()).unwrap_or_else(|()| {
            self.free += 1;
            None
        })
    }

    /// One more place is free, for the first who waits or for anyone; returns whom to wake.
    fn release(&mut self, senders: &Line<()>) -> Option<Waker> {
        if self.is_closed {
            return None;
        }
        let waker = senders.grant(()).ok()?;
        self.promised += 1;
        waker
    }

    /// Takes the first value, if this is who it was promised to, or if it was to nobody; and whom to wake over its place.
    // Twenty instructions less a value, without optimization for size.
    #[cfg_attr(not(debug_assertions), inline)]
    #[expect(clippy::type_complexity, reason = "no more than it says")]
    fn fetch(&mut self, inside: &InsideOf<B>, turn: Turn<()>) -> Option<(Result<B::Value, Closed>, Option<Waker>)> {
        if turn != Turn::Granted(()) {
            match self.free.checked_sub(1) {
                Some(free) => self.free = free,
                None if self.is_closed => return self.fetch_at_end(&inside.receivers, None),
                None => return None,
            }
        }
        match self.buffer.pop() {
            Some(value) if !self.is_closed => Some((Ok(value), self.release(&inside.senders))),
            value => self.fetch_at_end(&inside.receivers, value),
        }
    }

    /// The same of a closed channel, which has no place for anybody. Who takes the last value, or is told the end, tells the
    /// next.
    #[cold]
    #[expect(clippy::type_complexity, reason = "no more than it says")]
    fn fetch_at_end(
        &self,
        receivers: &Line<()>,
        value: Option<B::Value>,
    ) -> Option<(Result<B::Value, Closed>, Option<Waker>)> {
        match value {
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
        self.is_closed && self.slots == 0 && (self.buffer.len() == 0 || fault!("the-end-before-the-last-value"))
    }

    /// A slot is given back; its place is free.
    fn return_slot(&mut self) {
        self.slots -= 1;
        self.promised -= 1;
    }
}

/// Puts a value in, if there is a place for it or this is who one was promised to: whom to wake, or the value if the channel
/// is closed.
pub(super) fn send_in<B: Buffer>(
    inside: &InsideOf<B>,
    turn: Turn<()>,
    value: &mut Option<B::Value>,
) -> Option<Result<Option<Waker>, SendError<B::Value>>> {
    let mut books = inside.state.borrow_mut();
    match books.admit(turn) {
        Admission::Granted => Some(Ok(books.put(value.take()?, &inside.receivers))),
        Admission::Closed => Some(Err(SendError(value.take()?))),
        Admission::Full => None,
    }
}

/// A place that was promised to somebody who has left: whom to wake over it.
pub(super) fn pass_place_on<B: Buffer>(inside: &InsideOf<B>, senders: &Line<()>, late: Option<()>) -> Option<Waker> {
    let () = late?;
    let mut books = inside.state.borrow_mut();
    books.promised -= 1;
    match fault!("place-lost-with-its-sender") {
        true => None,
        false => books.release(senders),
    }
}

impl<B: Buffer, K: Access> Buffered<B, K> {
    pub(super) const fn new(buffer: B) -> Self {
        let books = Books { buffer, free: 0, promised: 0, slots: 0, peak: 0, ends: Counts::new(), is_closed: false };
        Buffered { sides: Sides::new(RefCell::new(books)) }
    }

    pub(super) const fn set_name(&mut self, name: &'static str) {
        self.sides.set_name(name);
    }

    /// What is waited for.
    pub(super) const fn sides(&self) -> &impl Awaits {
        &self.sides
    }

    pub(super) const fn senders(&self) -> SendersOf<'_, B, K> {
        self.sides.senders()
    }

    /// Looks at the counts.
    fn look<R>(&self, f: impl FnOnce(&mut Books<B>) -> R) -> R {
        self.sides.with(|inside| f(&mut inside.state.borrow_mut()))
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
        self.sides.with(|inside| send_in(inside, Turn::New, value))
    }

    pub(super) fn try_receive(&self) -> Result<B::Value, TryReceiveError> {
        let Some((value, sender)) = self.fetch() else { return Err(TryReceiveError::Empty) };
        wake(sender);
        value.map_err(|Closed| TryReceiveError::Closed)
    }

    /// Waits for a value; it comes with whom to wake over its place.
    pub(super) fn receive(&self, place: CallSite) -> impl Future<Output = (Result<B::Value, Closed>, Option<Waker>)> {
        let fetch = |inside: &InsideOf<B>, _: &Line<()>, turn| inside.state.borrow_mut().fetch(inside, turn);
        let pass_on = |inside: &InsideOf<B>, receivers: &Line<()>, late: Option<()>| {
            let late = if fault!("value-lost-with-its-receiver") { None } else { late };
            let () = late?;
            let mut books = inside.state.borrow_mut();
            // Where nothing is left, it was to be told the end.
            if books.buffer.len() == 0 { books.tell_end(receivers) } else { books.offer(receivers) }
        };
        tells::<AValue, _>(Waiting::new(self.sides.receivers(), fetch, pass_on), place)
    }

    /// Takes the first value that is promised to nobody, and whom to wake over its place.
    #[expect(clippy::type_complexity, reason = "no more than it says")]
    fn fetch(&self) -> Option<(Result<B::Value, Closed>, Option<Waker>)> {
        self.sides.with(|inside| inside.state.borrow_mut().fetch(inside, Turn::New))
    }

    /// Waits for a place to be a slot's.
    pub(super) fn slot<S>(&self, new: impl Fn() -> S, place: CallSite) -> impl Future<Output = Result<S, Closed>> {
        let take = move |inside: &InsideOf<B>, _: &Line<()>, turn| match reserve(&mut inside.state.borrow_mut(), turn) {
            Err(TrySendError::Full { .. }) => None,
            Err(TrySendError::Closed(())) => Some(Err(Closed)),
            Ok(()) => Some(Ok(new())),
        };
        leaf::<Room, _>(Waiting::new(self.sides.senders(), take, pass_place_on), place)
    }

    /// Makes a place a slot's.
    pub(super) fn try_slot(&self) -> Result<(), TrySendError<()>> {
        self.look(|books| reserve(books, Turn::New))
    }

    /// Puts a value into a slot.
    pub(super) fn fill_slot(&self, value: B::Value) {
        wake(self.sides.with(|inside| {
            let mut books = inside.state.borrow_mut();
            books.return_slot();
            books.put(value, &inside.receivers)
        }));
    }

    /// Gives a slot back.
    pub(super) fn return_slot(&self) {
        let (sender, is_over) = self.sides.with(|inside| {
            let mut books = inside.state.borrow_mut();
            books.return_slot();
            (books.release(&inside.senders), books.is_over())
        });
        // Where it is over, it was closed, and nobody waits for a place.
        foreign::wake(sender);
        if is_over {
            self.sides.receivers().tell_all();
        }
    }

    pub(super) fn close(&self) {
        let is_over = self.look(|books| {
            books.is_closed = true;
            books.is_over()
        });
        let mut first = First::new();
        first.catch(|| self.sides.senders().tell_all());
        // As long as there are values or slots, more may come.
        if is_over && !fault!("close-tells-senders-alone") {
            first.catch(|| self.sides.receivers().tell_all());
        }
        first.resume();
    }

    /// Takes what is there now and promised to nobody.
    pub(super) fn drain(&self) -> impl Iterator<Item = B::Value> {
        (0..self.len()).map_while(|_| self.try_receive().ok())
    }

    /// Changes the buffer, so that there are more places, and wakes who has waited for them.
    #[cfg(feature = "alloc")]
    pub(super) fn enlarge(&self, change: impl FnOnce(&mut B)) {
        self.look(|books| change(&mut books.buffer));
        let next = || {
            self.sides.with(|inside| {
                let mut books = inside.state.borrow_mut();
                let goes_on = books.has_room() && !books.is_closed && inside.senders.is_waited_in();
                goes_on.then(|| books.release(&inside.senders))
            })
        };
        let mut first = First::new();
        while let Some(waker) = next() {
            first.catch(|| wake(waker));
        }
        first.resume();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.look(|books| books.is_closed)
    }

    pub(super) fn len(&self) -> usize {
        self.look(|books| books.buffer.len())
    }

    pub(super) fn capacity(&self) -> usize {
        self.look(|books| books.buffer.capacity())
    }

    pub(super) fn peak(&self) -> usize {
        self.look(|books| books.peak)
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

fn reserve<B: Buffer>(books: &mut Books<B>, turn: Turn<()>) -> Result<(), TrySendError<()>> {
    match books.admit(turn) {
        Admission::Full => Err(TrySendError::Full { value: (), capacity: books.buffer.capacity() }),
        Admission::Closed => Err(TrySendError::Closed(())),
        Admission::Granted => {
            books.promised += 1;
            books.slots += 1;
            Ok(())
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
