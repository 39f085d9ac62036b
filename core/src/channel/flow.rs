//! The bytes of a pipe, and whose turn it is on either side.
//!
//! Bytes go one at a time, so a side has one *turn*: to put some in, or to take some out. It is free, or promised to one in
//! line as soon as there is something to do, or held by one that has begun to move several, and keeps it until all are moved.

use core::cell::RefCell;
use core::task::Waker;

use super::counts::{Counts, Side};
use super::errors::Closed;
use super::held::Held;
use super::ring::Ring;
use crate::fault::fault;
use crate::kernel::wait_queue::{Inside, Line, Turn};

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

    /// May one have the turn who comes in this way?
    fn may_begin(&mut self, turn: Turn<()>) -> bool {
        let is_mine = turn == Turn::Granted(());
        if is_mine {
            self.is_promised = false;
        }
        is_mine || !self.is_promised && (!self.held.is_held() || fault!("bytes-go-in-between"))
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
        let own = match side {
            Side::Sends => self.serve(side, &inside.senders),
            Side::Receives => self.serve(side, &inside.receivers),
        };
        [own, self.serve_other(side, inside)]
    }

    /// Bytes were moved by one of a side, which goes on.
    pub(super) fn serve_other(&mut self, side: Side, inside: &InsideOf<N>) -> Option<Waker> {
        match side {
            Side::Sends => self.serve(Side::Receives, &inside.receivers),
            Side::Receives => self.serve(Side::Sends, &inside.senders),
        }
    }

    /// Moves bytes out, if one who comes in this way may; how many, and whom to wake.
    pub(super) fn receive(
        &mut self,
        inside: &InsideOf<N>,
        turn: Turn<()>,
        buffer: &mut [u8],
    ) -> Option<(usize, Woken)> {
        let may_move = self.receiving.may_begin(turn) && self.can_move(Side::Receives);
        if !may_move && !buffer.is_empty() && !self.has_ended(Side::Receives) {
            return None;
        }
        let count = self.ring.take(buffer);
        Some((count, self.serve_both(Side::Receives, inside)))
    }

    /// Moves bytes in, if one who comes in this way may; how many, and whom to wake.
    pub(super) fn send(
        &mut self,
        inside: &InsideOf<N>,
        turn: Turn<()>,
        data: &[u8],
    ) -> Option<(Result<usize, Closed>, Woken)> {
        let may_move = self.sending.may_begin(turn) && self.can_move(Side::Sends);
        if self.is_closed {
            return Some((Err(Closed), [None, None]));
        }
        if !may_move && !data.is_empty() {
            return None;
        }
        let count = self.put(data);
        Some((Ok(count), self.serve_both(Side::Sends, inside)))
    }

    /// One who comes in this way has the turn from now on, if it may, and is known by a number; or nothing can be moved any
    /// more.
    pub(super) fn begin(&mut self, side: Side, turn: Turn<()>) -> Option<Option<u64>> {
        let may_begin = self.turns(side).may_begin(turn);
        match () {
            () if self.has_ended(side) => Some(None),
            () if may_begin && self.can_move(side) => Some(Some(self.turns(side).held.begin())),
            () => None,
        }
    }
}

/// A turn to send was promised to one who has left: whom to wake.
pub(super) fn pass_sending_on<const N: usize>(
    inside: &InsideOf<N>,
    line: &Line<()>,
    late: Option<()>,
) -> Option<Waker> {
    pass_on(Side::Sends, inside, line, late)
}

/// A turn to receive was promised to one who has left: whom to wake.
pub(super) fn pass_receiving_on<const N: usize>(
    inside: &InsideOf<N>,
    line: &Line<()>,
    late: Option<()>,
) -> Option<Waker> {
    pass_on(Side::Receives, inside, line, late)
}

fn pass_on<const N: usize>(side: Side, inside: &InsideOf<N>, line: &Line<()>, late: Option<()>) -> Option<Waker> {
    let () = late?;
    let mut flow = inside.state.borrow_mut();
    flow.turns(side).is_promised = false;
    if fault!("turn-of-a-pipe-is-lost") { None } else { flow.serve(side, line) }
}
