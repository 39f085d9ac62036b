//! The ends of a channel, which come and go.

use crate::common::Rng;
use giambio_core::channel::{self, Receiver, Sender};

pub(crate) struct Ends<'a, C: channel::Ends> {
    pub(crate) senders: Vec<Sender<'a, C>>,
    pub(crate) receivers: Vec<Receiver<'a, C>>,
}

impl<'a, C: channel::Ends> Ends<'a, C> {
    /// One of each side.
    pub(crate) fn new(sender: Sender<'a, C>, receiver: Receiver<'a, C>) -> Self {
        Ends { senders: vec![sender], receivers: vec![receiver] }
    }

    /// An end comes, or goes; was it the last of its side, which closes the channel?
    pub(crate) fn change(
        &mut self,
        rng: &mut Rng,
        sender: impl FnOnce() -> Sender<'a, C>,
        receiver: impl FnOnce() -> Receiver<'a, C>,
    ) -> bool {
        let (comes, is_sender) = (rng.one_in(2), rng.one_in(2));
        let left = if is_sender { self.senders.len() } else { self.receivers.len() };
        match (comes, is_sender) {
            (true, true) => self.senders.push(sender()),
            (true, false) => self.receivers.push(receiver()),
            // The last goes seldom, or every program would end early.
            _ if left == 1 && !rng.one_in(6) => {}
            _ => {
                if is_sender {
                    drop(self.senders.pop())
                } else {
                    drop(self.receivers.pop())
                }
                return left == 1;
            }
        }
        false
    }
}
