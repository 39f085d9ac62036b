//! A turn that one has, and keeps while it waits: it is in no line any more, and its waker lies with what it waits for.

use core::task::{Context, Poll, Waker};

/// Who has the turn, if anybody, and whom to wake for it. It lies under the access, where no waker is cloned, woken or dropped.
pub(super) struct Held {
    /// By which the present one is known, or the last.
    number: u64,
    is_held: bool,
    /// Something has changed since the last look.
    is_told: bool,
    waker: Option<Waker>,
}

/// What a look has shown to one who has the turn.
pub(super) enum Look<R> {
    Got(R),
    /// It has to wait, and its waker is known.
    Waits,
    /// It has to wait, and has no waker.
    NeedsWaker,
    /// It has an old waker, which has to go first.
    Has(Waker),
}

impl Held {
    pub(super) const fn new() -> Self {
        Held { number: 0, is_held: false, is_told: false, waker: None }
    }

    /// Somebody has the turn from now on, and is known by this number.
    pub(super) fn begin(&mut self) -> u64 {
        self.number += 1;
        (self.is_held, self.is_told) = (true, false);
        self.number
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    /// Does it have the turn still?
    pub(super) fn is_by(&self, number: u64) -> bool {
        self.is_held && self.number == number
    }

    /// What it waits for has changed: whom to wake.
    pub(super) fn tell(&mut self) -> Option<Waker> {
        self.is_told = true;
        self.waker.take()
    }

    /// Nobody has the turn any more; whose waker is left.
    pub(super) fn end(&mut self) -> Option<Waker> {
        self.is_held = false;
        self.waker.take()
    }

    /// Who has the turn has looked, and found nothing.
    pub(super) fn look<R>(&mut self, mine: &Waker) -> Look<R> {
        self.is_told = false;
        match self.waker.take() {
            Some(same) if same.will_wake(mine) => {
                self.waker = Some(same);
                Look::Waits
            }
            Some(old) => Look::Has(old),
            None => Look::NeedsWaker,
        }
    }

    /// Keeps the waker of who has the turn; has it to look again?
    pub(super) fn keep(&mut self, number: u64, waker: &mut Option<Waker>) -> bool {
        let waits = self.is_by(number) && !self.is_told;
        if waits {
            core::mem::swap(&mut self.waker, waker);
        }
        !waits
    }
}

/// Polls one who has the turn: `look` and `keep` go to [`Held`], under the access. What it gets is delivered with no foreign
/// code left to run.
pub(super) fn poll_held<R>(
    cx: &mut Context<'_>,
    mut look: impl FnMut(&Waker) -> Look<R>,
    keep: impl FnOnce(&mut Option<Waker>) -> bool,
) -> Poll<R> {
    loop {
        match look(cx.waker()) {
            Look::Got(got) => return Poll::Ready(got),
            Look::Waits => return Poll::Pending,
            Look::Has(old) => drop(old),
            Look::NeedsWaker => break,
        }
    }
    let mut waker = Some(cx.waker().clone());
    if keep(&mut waker) {
        cx.waker().wake_by_ref();
    }
    Poll::Pending
}
