//! embassy-sync, for one executor and for interrupts (on std: threads). A waker a side: of several who wait, each wakes the one
//! before.

use std::ops::DerefMut;

use critical_section as _; // that of std
use embassy_sync::blocking_mutex::raw::{CriticalSectionRawMutex, NoopRawMutex};
use embassy_sync::mutex::Mutex;
use embassy_sync::pubsub::{PubSubChannel, Subscriber};
use embassy_sync::semaphore::{FairSemaphore, Semaphore};
use embassy_sync::signal::Signal;
use embassy_sync::watch::{self, Receiver};

use super::{Bell, Broadcast, Channel, Lacks, Library, Lock, Permits, Watch};

/// Who may wait for a permit.
const WAITERS: usize = 10;

macro_rules! embassy {
    ($library:ident, $raw:ty) => {
        pub(crate) struct $library;

        impl Library for $library {
            type Lock = Mutex<$raw, u64>;
            type Permits = FairSemaphore<$raw, WAITERS>;
            type Channel<const N: usize> = &'static embassy_sync::channel::Channel<$raw, u64, N>;
            type OneShot = Lacks;
            type Broadcast<const N: usize> = PubSubChannel<$raw, u64, 16, N, 1>;
            type Watch = watch::Watch<$raw, u64, 10>;
            type Bell = Signal<$raw, ()>;
        }

        impl Lock for Mutex<$raw, u64> {
            fn new() -> Self {
                Mutex::new(0)
            }

            fn lock(&self) -> impl Future<Output = impl DerefMut<Target = u64>> {
                Mutex::lock(self)
            }
        }

        impl Permits for FairSemaphore<$raw, WAITERS> {
            fn new() -> Self {
                FairSemaphore::new(1)
            }

            async fn acquire(&self) -> impl Sized {
                Semaphore::acquire(self, 1).await.expect("there is room to wait")
            }
        }

        impl<const N: usize> Channel for &'static embassy_sync::channel::Channel<$raw, u64, N> {
            type Sender = Self;
            type Receiver = Self;

            fn new() -> (Self, Self) {
                let channel = Box::leak(Box::new(embassy_sync::channel::Channel::new()));
                (channel, channel)
            }

            fn one_more_sender(sender: &Self) -> Self {
                sender
            }

            fn one_more_receiver(receiver: &Self) -> Self {
                receiver
            }

            fn send(sender: &mut Self, value: u64) -> impl Future<Output = impl Sized> {
                embassy_sync::channel::Channel::send(sender, value)
            }

            fn receive(receiver: &mut Self) -> impl Future<Output = u64> {
                embassy_sync::channel::Channel::receive(receiver)
            }
        }

        impl<const N: usize> Broadcast for PubSubChannel<$raw, u64, 16, N, 1> {
            type Subscriber = Subscriber<'static, $raw, u64, 16, N, 1>;

            fn new() -> Self {
                PubSubChannel::new()
            }

            fn subscribe(&'static self) -> Self::Subscriber {
                self.subscriber().expect("there is room")
            }

            fn send(&self, value: u64) {
                self.immediate_publisher().publish_immediate(value);
            }

            async fn receive(subscriber: &mut Self::Subscriber) -> u64 {
                subscriber.next_message_pure().await
            }
        }

        impl Watch for watch::Watch<$raw, u64, 10> {
            type Watcher = Receiver<'static, $raw, u64, 10>;

            fn new() -> Self {
                watch::Watch::new()
            }

            fn watcher(&'static self) -> Self::Watcher {
                self.receiver().expect("there is room")
            }

            fn set(&self, value: u64) {
                self.sender().send(value);
            }

            fn changed(watcher: &mut Self::Watcher) -> impl Future<Output = u64> {
                watcher.changed()
            }
        }

        impl Bell for Signal<$raw, ()> {
            fn new() -> Self {
                Signal::new()
            }

            fn ring(&self) {
                self.signal(());
            }

            fn wait(&self) -> impl Future<Output = impl Sized> {
                Signal::wait(self)
            }
        }
    };
}

embassy!(OfOneExecutor, NoopRawMutex);
embassy!(OfEverybody, CriticalSectionRawMutex);
