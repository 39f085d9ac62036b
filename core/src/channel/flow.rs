//! The bytes of a pipe, and whose turn it is on either side.
//!
//! Bytes go one at a time, so a side has one *turn*: to put some in, or to take some out. It is free, or promised to one in
//! line as soon as there is something to do, or held by one that has begun to move several, and keeps it until all are moved.

use core::cell::RefCell;
use core::task::Waker;

use super::counts::Counts;
use super::errors::Closed;
use super::held::Held;
use super::ring::Ring;
use crate::fault::fault;
use crate::kernel::wait_queue::{Between, Inside, Line, Side};

/// What lies under the access.
pub(super) struct Flow<const N: usize> {
    pub(super) ring: Ring<N>,
    pub(super) peak: usize,
    pub(super) sending: Turns,
    pub(super) receiving: Turns,
    pub(super) ends: Counts,
    pub(super) is_closed: bool,
}

/// The turn of a side.
pub(super) struct Turns {
    pub(super) held: Held,
    /// To one in line.
    is_promised: bool,
}

pub(super) type InsideOf<const N: usize> = Inside<RefCell<Flow<N>>>;
/// Whom to wake: who is next on the side that has moved something, and who goes on over that on the other one.
pub(super) type Woken = [Option<Waker>; 2];

impl Turns {
    const fn new() -> Self {
        Turns { held: Held::new(), is_promised: false }
    }

    /// May one have the turn?
    fn may_begin(&self) -> bool {
        !self.is_promised && (!self.held.is_held() || fault!("bytes-go-in-between"))
    }
}

impl<const N: usize> Flow<N> {
    pub(super) const fn new() -> Self {
        Flow {
            ring: Ring::new(),
            peak: 0,
            sending: Turns::new(),
            receiving: Turns::new(),
            ends: Counts::new(),
            is_closed: false,
        }
    }

    /// Puts in what there is room for.
    pub(super) fn put(&mut self, data: &[u8]) -> usize {
        let count = self.ring.put(data);
        self.peak = self.peak.max(self.ring.len());
        count
    }

    /// Can a side move nothing any more?
    pub(super) fn has_ended(&self, side: Side) -> bool {
        self.is_closed && (matches!(side, Side::Sends) || self.ring.len() == 0)
    }

    /// Can a side move something now?
    fn can_move(&self, side: Side) -> bool {
        match side {
            Side::Sends => self.ring.room() > 0,
            Side::Receives => self.ring.len() > 0,
        }
    }

    pub(super) fn turns(&mut self, side: Side) -> &mut Turns {
        match side {
            Side::Sends => &mut self.sending,
            Side::Receives => &mut self.receiving,
        }
    }

    /// Whoever of a side can go on now has the turn, or is promised it: whom to wake.
    pub(super) fn serve(&mut self, side: Side, line: &Line<()>) -> Option<Waker> {
        let has_to_look = self.can_move(side) || self.has_ended(side);
        let turns = self.turns(side);
        if turns.is_promised || !has_to_look {
            return None;
        }
        if turns.held.is_held() {
            return turns.held.tell();
        }
        let waker = line.grant(()).ok()?;
        turns.is_promised = true;
        waker
    }

    /// Bytes were moved by one of a side, or it has left.
    pub(super) fn serve_both(&mut self, side: Side, inside: &InsideOf<N>) -> Woken {
        [self.serve(side, inside.line(side)), self.serve_other(side, inside)]
    }

    /// Bytes were moved by one of a side, which goes on.
    pub(super) fn serve_other(&mut self, side: Side, inside: &InsideOf<N>) -> Option<Waker> {
        match side {
            Side::Sends => self.serve(Side::Receives, &inside.receivers),
            Side::Receives => self.serve(Side::Sends, &inside.senders),
        }
    }

    /// Moves bytes out, if one may; how many, and whom to wake.
    pub(super) fn receive(&mut self, inside: &InsideOf<N>, buffer: &mut [u8]) -> Option<(usize, Woken)> {
        let may_move = self.receiving.may_begin() && self.can_move(Side::Receives);
        if !may_move && !buffer.is_empty() && !self.has_ended(Side::Receives) {
            return None;
        }
        let count = self.ring.take(buffer);
        Some((count, self.serve_both(Side::Receives, inside)))
    }

    /// Moves bytes in, if one may; how many, and whom to wake.
    pub(super) fn send(&mut self, inside: &InsideOf<N>, data: &[u8]) -> Option<(Result<usize, Closed>, Woken)> {
        let may_move = self.sending.may_begin() && self.can_move(Side::Sends);
        if self.is_closed {
            return Some((Err(Closed), [None, None]));
        }
        if !may_move && !data.is_empty() {
            return None;
        }
        let count = self.put(data);
        Some((Ok(count), self.serve_both(Side::Sends, inside)))
    }

    /// One has the turn from now on, if it may, and is known by a number; or nothing can be moved any more.
    pub(super) fn begin(&mut self, side: Side) -> Option<Option<u64>> {
        let may_begin = self.turns(side).may_begin();
        match () {
            () if self.has_ended(side) => Some(None),
            () if may_begin && self.can_move(side) => Some(Some(self.turns(side).held.begin())),
            () => None,
        }
    }
}

impl<const N: usize> Between for RefCell<Flow<N>> {
    fn take_back(inside: &InsideOf<N>, side: Side) {
        inside.state.borrow_mut().turns(side).is_promised = false;
    }

    fn serve(inside: &InsideOf<N>, side: Side) -> Option<Waker> {
        if fault!("turn-of-a-pipe-is-lost") { None } else { inside.state.borrow_mut().serve(side, inside.line(side)) }
    }
}
