//! What all connections of a server share.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use giambio_core::sync::Condition;
use giambio_core::{Instant, clock};

use super::counts::{Counts, End};
use super::hooks::{OnError, OnShortage};

/// One want of descriptors is many: each connection that ends lets one in, and the next waits again. It is told of once.
const BETWEEN_SHORTAGES: Duration = Duration::from_secs(60);

/// What all connections share.
pub(super) struct Server<'s, P, E, X> {
    /// The program's, perhaps of several servers.
    counts: &'s Counts,
    /// So many are served.
    now: Cell<usize>,
    /// One less.
    freed: Condition,
    on_error: OnError<'s, P, E, X>,
    on_shortage: Option<OnShortage<'s>>,
    told_of_shortage: Cell<Option<Instant>>,
}

impl<'s, P, E, X> Server<'s, P, E, X> {
    pub(super) fn new(counts: &'s Counts, on_error: OnError<'s, P, E, X>, on_shortage: Option<OnShortage<'s>>) -> Self {
        let (now, freed, told_of_shortage) = (Cell::new(0), Condition::new(), Cell::new(None));
        Server { counts, now, freed, on_error, on_shortage, told_of_shortage }
    }

    /// Waits until fewer than `limit` are served.
    pub(super) async fn has_room(&self, limit: usize) {
        self.freed.wait_for(|| (self.now.get() < limit).then_some(())).await;
    }

    pub(super) fn begins(&self) {
        self.now.set(self.now.get() + 1);
        self.counts.begins();
    }

    /// `None`: it was cut off.
    pub(super) fn ends(&self, end: Option<End>) {
        self.now.set(self.now.get() - 1);
        self.counts.ends(end);
        self.freed.notify_all();
    }

    pub(super) fn judge(&self, peer: P, error: E) -> Result<(), X> {
        (self.on_error)(peer, error)
    }

    pub(super) fn lacks(&self, error: &io::Error) {
        self.counts.lacks();
        let now = clock();
        let is_new = self.told_of_shortage.get().is_none_or(|told| now - told >= BETWEEN_SHORTAGES);
        if let (true, Some(hook)) = (is_new, &self.on_shortage) {
            self.told_of_shortage.set(Some(now));
            hook(error);
        }
    }
}
