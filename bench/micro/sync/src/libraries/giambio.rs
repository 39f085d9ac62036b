//! giambio's own, of both kinds.

use std::ops::DerefMut;

use giambio::channel::{self, Subscriber};
use giambio::sync::{self, Local, Shared, Watcher};

use super::{Bell, Broadcast, Channel, Library, Lock, OneShot, Permits, Watch, while_it_waits};

macro_rules! giambio {
    ($library:ident, $kind:ty, $new:ident) => {
        pub(crate) struct $library;

        impl Library for $library {
            type Lock = sync::Mutex<u64, $kind>;
            type Permits = sync::Semaphore<$kind>;
            type Channel<const N: usize> = &'static channel::Channel<u64, N, $kind>;
            type OneShot = channel::OneShot<u64, $kind>;
            type Broadcast<const N: usize> = channel::Broadcast<u64, 16, $kind>;
            type Watch = sync::Watch<u64, $kind>;
            type Bell = sync::Event<$kind>;
        }

        impl Lock for sync::Mutex<u64, $kind> {
            fn new() -> Self {
                sync::Mutex::$new(0)
            }

            fn lock(&self) -> impl Future<Output = impl DerefMut<Target = u64>> {
                sync::Mutex::lock(self)
            }
        }

        impl Permits for sync::Semaphore<$kind> {
            fn new() -> Self {
                sync::Semaphore::$new(1)
            }

            fn acquire(&self) -> impl Future<Output = impl Sized> {
                sync::Semaphore::acquire(self, 1)
            }
        }

        impl<const N: usize> Channel for &'static channel::Channel<u64, N, $kind> {
            type Sender = Self;
            type Receiver = Self;

            fn new() -> (Self, Self) {
                let channel = Box::leak(Box::new(channel::Channel::$new()));
                (channel, channel)
            }

            fn one_more_sender(sender: &Self) -> Self {
                sender
            }

            fn one_more_receiver(receiver: &Self) -> Self {
                receiver
            }

            fn send(sender: &mut Self, value: u64) -> impl Future<Output = impl Sized> {
                channel::Channel::send(sender, value)
            }

            async fn receive(receiver: &mut Self) -> u64 {
                channel::Channel::receive(receiver).await.expect("nobody closes it")
            }
        }

        impl OneShot for channel::OneShot<u64, $kind> {
            async fn once(value: u64) -> u64 {
                let one = channel::OneShot::$new();
                while_it_waits(one.receive(), || one.send(value).expect("it is the first")).await.expect("it was sent")
            }
        }

        impl Broadcast for channel::Broadcast<u64, 16, $kind> {
            type Subscriber = Subscriber<'static, channel::Broadcast<u64, 16, $kind>>;

            fn new() -> Self {
                channel::Broadcast::$new()
            }

            fn subscribe(&'static self) -> Self::Subscriber {
                channel::Broadcast::subscribe(self)
            }

            fn send(&self, value: u64) {
                channel::Broadcast::send(self, value).expect("nobody closes it");
            }

            async fn receive(subscriber: &mut Self::Subscriber) -> u64 {
                Subscriber::receive(subscriber).await.expect("nobody is late")
            }
        }

        impl Watch for sync::Watch<u64, $kind> {
            type Watcher = Watcher<'static, u64, $kind>;

            fn new() -> Self {
                sync::Watch::$new(0)
            }

            fn watcher(&'static self) -> Self::Watcher {
                sync::Watch::watcher(self)
            }

            fn set(&self, value: u64) {
                sync::Watch::set(self, value);
            }

            async fn changed(watcher: &mut Self::Watcher) -> u64 {
                watcher.changed().await;
                watcher.read(|value| *value)
            }
        }

        impl Bell for sync::Event<$kind> {
            fn new() -> Self {
                sync::Event::$new()
            }

            fn ring(&self) {
                self.set();
            }

            fn wait(&self) -> impl Future<Output = impl Sized> {
                self.wait_and_clear()
            }
        }
    };
}

giambio!(OfOneRuntime, Local, new);
giambio!(OfEverybody, Shared, shared);
