//! The channels that two tasks play ping-pong over: the scheduler differs, the channel does not.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

/// A channel from one task to another.
pub trait Channel: 'static {
    type Sender: 'static;
    type Receiver: 'static;
    fn pair() -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()>;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

/// `tokio::sync::mpsc`, with room for one.
#[derive(Debug)]
pub struct Tokio;

impl Channel for Tokio {
    type Sender = tokio::sync::mpsc::Sender<u64>;
    type Receiver = tokio::sync::mpsc::Receiver<u64>;

    fn pair() -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::channel(1)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.unwrap()
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.unwrap()
    }
}

/// `local_channel::mpsc`, which is for one thread and has no bound.
#[derive(Debug)]
pub struct Local;

impl Channel for Local {
    type Sender = local_channel::mpsc::Sender<u64>;
    type Receiver = local_channel::mpsc::Receiver<u64>;

    fn pair() -> (Self::Sender, Self::Receiver) {
        local_channel::mpsc::channel()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).ok().unwrap()
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        poll_fn(|cx| Pin::new(&mut *receiver).poll_next(cx)).await.unwrap()
    }
}

/// One of two players; `first` has the ball.
pub async fn play<C: Channel>(sender: C::Sender, mut receiver: C::Receiver, first: bool, n: u64) -> u64 {
    if first {
        C::send(&sender, 0).await;
    }
    let mut sum = 0;
    for i in 0..n {
        sum += C::receive(&mut receiver).await;
        if !first || i + 1 < n {
            C::send(&sender, i).await;
        }
    }
    sum
}
