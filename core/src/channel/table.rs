//! What lies between the two sides of a rendezvous, and whose turn it is.
//!
//! It is a table for one value. The first in the line of those who send lays its value there, keeps its turn, and takes the
//! value back if it leaves; who receives takes it away, and with that the turn.

use core::cell::RefCell;
use core::task::Waker;

use super::counts::Counts;
use super::errors::{Closed, SendError};
use super::held::Held;
use crate::fault::fault;
use crate::kernel::wait_queue::{Between, Inside, Line, Side};

/// What lies between the sides. It is changed under the access, where nobody else's code runs.
pub(super) struct Table<T> {
    pub(super) value: Option<T>,
    /// Who has laid it there, and waits. Where nobody has, it is from `try_send`.
    pub(super) sender: Held,
    /// The table is promised to one in the line of those who send; then it is empty.
    pub(super) is_kept: bool,
    /// What lies there, or is laid there next, is promised to one in the line of those who receive.
    pub(super) is_promised: bool,
    pub(super) ends: Counts,
    pub(super) is_closed: bool,
}

pub(super) type InsideOf<T> = Inside<RefCell<Table<T>>>;
/// Whom to wake: whose value was taken, and whose turn it is to lay one down, or to be told the end.
pub(super) type Woken = [Option<Waker>; 2];

impl<T> Table<T> {
    pub(super) const fn new() -> Self {
        Table {
            value: None,
            sender: Held::new(),
            is_kept: false,
            is_promised: false,
            ends: Counts::new(),
            is_closed: false,
        }
    }

    /// Who lays a value down, if it may; it is known by a number, and there may be somebody to wake.
    pub(super) fn lay(&mut self, value: &mut Option<T>, receivers: &Line<()>) -> Option<Laid<T>> {
        if self.is_closed {
            return Some(Err(SendError(value.take()?)));
        }
        if self.is_kept || self.value.is_some() {
            return None;
        }
        self.value = value.take();
        Some(Ok((self.sender.begin(), self.offer(receivers))))
    }

    /// Can nothing come any more? From the close on a value is its sender's, if that waits; one of `try_send` is still
    /// received.
    pub(super) fn is_over(&self) -> bool {
        let is_offered = self.value.is_some() && !self.sender.is_held() && !fault!("the-end-before-the-last-parcel");
        self.is_closed && !is_offered
    }

    /// What lies there, or that nothing comes any more, is for the first who waits.
    pub(super) fn offer(&mut self, receivers: &Line<()>) -> Option<Waker> {
        if self.is_promised || self.value.is_none() && !self.is_over() {
            return None;
        }
        let waker = receivers.grant(()).ok()?;
        self.is_promised = true;
        waker
    }

    /// The empty table is for the first who waits.
    pub(super) fn release(&mut self, senders: &Line<()>) -> Option<Waker> {
        if self.is_closed || self.is_kept || self.value.is_some() {
            return None;
        }
        let waker = senders.grant(()).ok()?;
        self.is_kept = true;
        waker
    }

    /// Takes what lies there, if it is promised to nobody. Who is told that nothing comes any more tells the next.
    pub(super) fn take(&mut self, inside: &InsideOf<T>) -> Option<(Result<T, Closed>, Woken)> {
        let is_there = !(self.is_promised || self.is_closed && self.sender.is_held());
        let value = if is_there { self.value.take() } else { None };
        if value.is_none() && !self.is_over() {
            return None;
        }
        let own = if value.is_some() { self.sender.end() } else { None };
        let next = if self.is_closed { self.offer(&inside.receivers) } else { self.release(&inside.senders) };
        Some((value.ok_or(Closed), [own, next]))
    }
}

/// A value was laid down, by one of this number, and this one is to be woken; or nobody wants it.
pub(super) type Laid<T> = Result<(u64, Option<Waker>), SendError<T>>;

impl<T> Between for RefCell<Table<T>> {
    fn take_back(inside: &InsideOf<T>, side: Side) {
        let mut table = inside.state.borrow_mut();
        match side {
            Side::Sends => table.is_kept = false,
            Side::Receives => table.is_promised = false,
        }
    }

    fn serve(inside: &InsideOf<T>, side: Side) -> Option<Waker> {
        let mut table = inside.state.borrow_mut();
        match side {
            Side::Sends if fault!("table-kept-for-nobody") => None,
            Side::Sends => table.release(&inside.senders),
            Side::Receives => table.offer(&inside.receivers),
        }
    }
}
