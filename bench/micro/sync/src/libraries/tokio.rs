//! `tokio::sync`.

use std::ops::DerefMut;

use tokio::sync::{Mutex, Notify, Semaphore, broadcast, mpsc, oneshot, watch};

use super::{Bell, Broadcast, Channel, Library, Lock, OneShot, Permits, Watch, while_it_waits};

pub(crate) struct Tokio;

impl Library for Tokio {
    type Lock = Mutex<u64>;
    type Permits = Semaphore;
    type Channel<const N: usize> = Mpsc<N>;
    type OneShot = Once;
    type Broadcast<const N: usize> = broadcast::Sender<u64>;
    type Watch = watch::Sender<u64>;
    type Bell = Notify;
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

pub(crate) struct Mpsc<const N: usize>;

impl<const N: usize> Channel for Mpsc<N> {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn new() -> (Self::Sender, Self::Receiver) {
        mpsc::channel(N)
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
        receiver.recv().await.expect("nobody closes it")
    }
}

pub(crate) struct Once;

impl OneShot for Once {
    async fn once(value: u64) -> u64 {
        let (sender, receiver) = oneshot::channel();
        while_it_waits(receiver, || sender.send(value).expect("it is the first")).await.expect("it was sent")
    }
}

impl Broadcast for broadcast::Sender<u64> {
    type Subscriber = broadcast::Receiver<u64>;

    fn new() -> Self {
        broadcast::Sender::new(16)
    }

    fn subscribe(&'static self) -> Self::Subscriber {
        broadcast::Sender::subscribe(self)
    }

    fn send(&self, value: u64) {
        broadcast::Sender::send(self, value).expect("nobody closes it");
    }

    async fn receive(subscriber: &mut Self::Subscriber) -> u64 {
        subscriber.recv().await.expect("nobody is late")
    }
}

impl Watch for watch::Sender<u64> {
    type Watcher = watch::Receiver<u64>;

    fn new() -> Self {
        watch::Sender::new(0)
    }

    fn watcher(&'static self) -> Self::Watcher {
        self.subscribe()
    }

    fn set(&self, value: u64) {
        self.send(value).expect("there are watchers");
    }

    async fn changed(watcher: &mut Self::Watcher) -> u64 {
        watcher.changed().await.expect("nobody closes it");
        *watcher.borrow_and_update()
    }
}

impl Bell for Notify {
    fn new() -> Self {
        Notify::new()
    }

    fn ring(&self) {
        self.notify_one();
    }

    fn wait(&self) -> impl Future<Output = impl Sized> {
        self.notified()
    }
}
