//! The libraries: each implements [`Library`], with [`Lacks`] for what it doesn't have.

#[cfg(feature = "peers")]
pub(crate) mod embassy;
#[cfg(feature = "peers")]
pub(crate) mod flume;
#[cfg(feature = "peers")]
pub(crate) mod futures;
pub(crate) mod giambio;
#[cfg(feature = "peers")]
mod lacks;
#[cfg(feature = "peers")]
pub(crate) mod smol;
#[cfg(feature = "peers")]
pub(crate) mod tokio;

use std::future::poll_fn;
use std::ops::DerefMut;
use std::pin::pin;
use std::task::Poll;

#[cfg(feature = "peers")]
pub(crate) use lacks::Lacks;

pub(crate) trait Library: 'static {
    type Lock: Lock;
    type Permits: Permits;
    type Channel<const N: usize>: Channel;
    type OneShot: OneShot;
    /// To at most `N`, who may be 16 values behind.
    type Broadcast<const N: usize>: Broadcast;
    /// For at most 10.
    type Watch: Watch;
    type Bell: Bell;
}

/// A mutex around a number.
pub(crate) trait Lock: Sized + 'static {
    fn new() -> Self;
    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = u64>>;
}

/// A semaphore with one permit.
pub(crate) trait Permits: Sized + 'static {
    fn new() -> Self;
    fn acquire(&self) -> impl Future<Output = impl Sized>;
}

/// A channel of fixed size, from many to one, and to many if it can.
pub(crate) trait Channel: 'static {
    type Sender: 'static;
    type Receiver: 'static;
    fn new() -> (Self::Sender, Self::Receiver);
    fn one_more_sender(sender: &Self::Sender) -> Self::Sender;
    fn one_more_receiver(receiver: &Self::Receiver) -> Self::Receiver;
    fn send(sender: &mut Self::Sender, value: u64) -> impl Future<Output = impl Sized>;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

/// A value that is sent once.
pub(crate) trait OneShot: 'static {
    /// One is made; somebody waits for a value; it is sent; it comes.
    fn once(value: u64) -> impl Future<Output = u64>;
}

/// The same values to everybody.
pub(crate) trait Broadcast: Sized + 'static {
    type Subscriber: 'static;
    fn new() -> Self;
    fn subscribe(&'static self) -> Self::Subscriber;
    fn send(&self, value: u64);
    fn receive(subscriber: &mut Self::Subscriber) -> impl Future<Output = u64>;
}

/// The latest of a value.
pub(crate) trait Watch: Sized + 'static {
    type Watcher: 'static;
    fn new() -> Self;
    fn watcher(&'static self) -> Self::Watcher;
    fn set(&self, value: u64);
    /// Waits for another value than the last, and reads it.
    fn changed(watcher: &mut Self::Watcher) -> impl Future<Output = u64>;
}

/// Something that happens, and is noticed once.
pub(crate) trait Bell: Sized + 'static {
    fn new() -> Self;
    fn ring(&self);
    fn wait(&self) -> impl Future<Output = impl Sized>;
}

/// Has a future wait, does this, and waits for the future.
pub(crate) async fn while_it_waits<T>(future: impl Future<Output = T>, then: impl FnOnce()) -> T {
    let (mut future, mut then) = (pin!(future), Some(then));
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if let (Poll::Pending, Some(then)) = (&polled, then.take()) {
            then();
        }
        polled
    })
    .await
}
