//! What smol's users take: async-lock, async-channel, async-broadcast, event-listener.

use std::ops::DerefMut;
use std::sync::atomic::{AtomicBool, Ordering};

use async_broadcast::InactiveReceiver;
use async_lock::{Mutex, Semaphore};
use event_listener::Event;

use super::{Bell, Broadcast, Channel, Lacks, Library, Lock, Permits};

pub(crate) struct Smol;

impl Library for Smol {
    type Lock = Mutex<u64>;
    type Permits = Semaphore;
    type Channel<const N: usize> = AsyncChannel<N>;
    type OneShot = Lacks;
    type Broadcast<const N: usize> = AsyncBroadcast;
    type Watch = Lacks;
    type Bell = Flag;
}

impl Lock for Mutex<u64> {
    fn new() -> Self {
        Mutex::new(0)
    }

    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = u64>> {
        Mutex::lock(self)
    }
}

impl Permits for Semaphore {
    fn new() -> Self {
        Semaphore::new(1)
    }

    fn acquire(&self) -> impl Future<Output = impl Sized> {
        Semaphore::acquire(self)
    }
}

pub(crate) struct AsyncChannel<const N: usize>;

impl<const N: usize> Channel for AsyncChannel<N> {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn new() -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(N)
    }

    fn one_more_sender(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }

    fn one_more_receiver(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &mut Self::Sender, value: u64) -> impl Future<Output = impl Sized> {
        sender.send(value)
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("nobody closes it")
    }
}

pub(crate) struct AsyncBroadcast {
    sender: async_broadcast::Sender<u64>,
    receiver: InactiveReceiver<u64>,
}

impl Broadcast for AsyncBroadcast {
    type Subscriber = async_broadcast::Receiver<u64>;

    fn new() -> Self {
        let (mut sender, receiver) = async_broadcast::broadcast(16);
        sender.set_overflow(true);
        AsyncBroadcast { sender, receiver: receiver.deactivate() }
    }

    fn subscribe(&'static self) -> Self::Subscriber {
        self.receiver.activate_cloned()
    }

    fn send(&self, value: u64) {
        self.sender.try_broadcast(value).expect("nobody closes it");
    }

    async fn receive(subscriber: &mut Self::Subscriber) -> u64 {
        subscriber.recv().await.expect("nobody is late")
    }
}

/// As event-listener's page says to write it.
pub(crate) struct Flag {
    is_set: AtomicBool,
    event: Event,
}

impl Bell for Flag {
    fn new() -> Self {
        Flag { is_set: AtomicBool::new(false), event: Event::new() }
    }

    fn ring(&self) {
        self.is_set.store(true, Ordering::Release);
        self.event.notify(1);
    }

    async fn wait(&self) {
        while !self.is_set.swap(false, Ordering::Acquire) {
            let listener = self.event.listen();
            if self.is_set.swap(false, Ordering::Acquire) {
                break;
            }
            listener.await;
        }
    }
}
