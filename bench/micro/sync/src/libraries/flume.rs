//! flume: channels alone.

use super::{Channel, Lacks, Library};

pub(crate) struct Flume;

impl Library for Flume {
    type Lock = Lacks;
    type Permits = Lacks;
    type Channel<const N: usize> = Bounded<N>;
    type OneShot = Lacks;
    type Broadcast<const N: usize> = Lacks;
    type Watch = Lacks;
    type Bell = Lacks;
}

pub(crate) struct Bounded<const N: usize>;

impl<const N: usize> Channel for Bounded<N> {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn new() -> (Self::Sender, Self::Receiver) {
        flume::bounded(N)
    }

    fn one_more_sender(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }

    fn one_more_receiver(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &mut Self::Sender, value: u64) -> impl Future<Output = impl Sized> {
        sender.send_async(value)
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_async().await.expect("nobody closes it")
    }
}
