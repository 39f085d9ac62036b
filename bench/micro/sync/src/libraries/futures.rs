//! futures: its mutex and its channels. A channel has a place more for each of its senders.

use std::ops::DerefMut;

use futures::channel::{mpsc, oneshot};
use futures::lock::Mutex;
use futures::{SinkExt, StreamExt};

use super::{Channel, Lacks, Library, Lock, OneShot, while_it_waits};

pub(crate) struct Futures;

impl Library for Futures {
    type Lock = Mutex<u64>;
    type Permits = Lacks;
    type Channel<const N: usize> = Mpsc<N>;
    type OneShot = Once;
    type Broadcast<const N: usize> = Lacks;
    type Watch = Lacks;
    type Bell = Lacks;
}

impl Lock for Mutex<u64> {
    fn new() -> Self {
        Mutex::new(0)
    }

    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = u64>> {
        Mutex::lock(self)
    }
}

pub(crate) struct Mpsc<const N: usize>;

impl<const N: usize> Channel for Mpsc<N> {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn new() -> (Self::Sender, Self::Receiver) {
        mpsc::channel(N - 1)
    }

    fn one_more_sender(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }

    fn one_more_receiver(_: &Self::Receiver) -> Self::Receiver {
        micro_suite::lacks("with several receivers")
    }

    fn send(sender: &mut Self::Sender, value: u64) -> impl Future<Output = impl Sized> {
        sender.send(value)
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.next().await.expect("nobody closes it")
    }
}

pub(crate) struct Once;

impl OneShot for Once {
    async fn once(value: u64) -> u64 {
        let (sender, receiver) = oneshot::channel();
        while_it_waits(receiver, || sender.send(value).expect("it is the first")).await.expect("it was sent")
    }
}
