//! Two tasks that play ping-pong, over local-channel's channel, which is for one thread and has no bound: the scheduler
//! differs, the channel does not.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use local_channel::mpsc::{Receiver, Sender, channel};

/// One of two players.
#[derive(Debug)]
pub struct Player {
    sender: Sender<u64>,
    receiver: Receiver<u64>,
    has_ball: bool,
}

impl Player {
    /// The one that begins, and the other.
    pub fn pair() -> (Player, Player) {
        let ((there, arrived), (back, returned)) = (channel(), channel());
        (
            Player { sender: there, receiver: returned, has_ball: true },
            Player { sender: back, receiver: arrived, has_ball: false },
        )
    }

    /// Plays until the ball has come `n` times.
    pub async fn play(mut self, n: u64) -> u64 {
        if self.has_ball {
            self.sender.send(0).expect("the other is there");
        }
        let mut sum = 0;
        for i in 0..n {
            sum += poll_fn(|cx| Pin::new(&mut self.receiver).poll_next(cx)).await.expect("the other is there");
            if !self.has_ball || i + 1 < n {
                self.sender.send(i).expect("the other is there");
            }
        }
        sum
    }
}
