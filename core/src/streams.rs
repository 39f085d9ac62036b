//! What comes one after the other as a `Stream`, the trait of `futures-core`, for the combinators of other libraries.
//!
//! A stream is made of the futures of what it is over, one after the other, so it waits, is cancelled and takes its share of
//! the task's budget as they do (law FAIR): one that is always ready gives way to others after 128 items, and loops over it
//! can be cancelled.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

#[cfg(feature = "heapless")]
use crate::channel::{Broadcast, Channel, Priority};
#[cfg(any(feature = "heapless", feature = "alloc"))]
use crate::channel::{BroadcastError, Broadcasts, Carrier, Receiver, Rendezvous, Subscriber};
#[cfg(feature = "alloc")]
use crate::channel::{Growable, GrowableBroadcast, GrowablePriority, Unbounded};
use crate::interval::Interval;
use crate::sync::{Access, Watcher};
use crate::time::Instant;

pin_project! {
    /// The items of futures that `next` makes, each of what the one before has left.
    struct Unfolded<S, N, F> {
        state: Option<S>,
        next: N,
        #[pin]
        future: Option<F>,
    }
}

/// The stream ends when a future has no item.
const fn unfold<S, N, F, T>(state: S, next: N) -> Unfolded<S, N, F>
where
    N: FnMut(S) -> F,
    F: Future<Output = Option<(T, S)>>,
{
    Unfolded { state: Some(state), next, future: None }
}

impl<S, N: FnMut(S) -> F, F: Future<Output = Option<(T, S)>>, T> Stream for Unfolded<S, N, F> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        if let Some(state) = this.state.take() {
            this.future.set(Some((this.next)(state)));
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let item = ready!(future.poll(cx));
        this.future.set(None);
        Poll::Ready(item.map(|(item, state)| {
            *this.state = Some(state);
            item
        }))
    }
}

impl<S, N: FnMut(S) -> F, F: Future<Output = Option<(T, S)>>, T> FusedStream for Unfolded<S, N, F> {
    fn is_terminated(&self) -> bool {
        self.state.is_none() && self.future.is_none()
    }
}

/// The stream of a channel.
macro_rules! values {
    ($(#[$when:meta])* impl[$($generics:tt)*] $type:ty, $value:ty, [$($captured:tt)*]) => {
        $(#[$when])*
        impl<$($generics)*> $type {
            /// The values that are received, as a stream, which ends when this is closed and nothing is left in it.
            ///
            /// # Cancellation
            /// No value is lost: it is received in the poll of the stream that has it. While the stream is not polled, it
            /// keeps its place in line, and what it is promised; that goes to others of its task (law NO-FUTURELOCK), and to
            /// everybody when the stream is dropped.
            pub fn stream(&self) -> impl FusedStream<Item = $value> + use<'_, $($captured)*> {
                unfold(self, async |channel| Some((channel.receive().await.ok()?, channel)))
            }
        }
    };
}

values!(#[cfg(feature = "heapless")] impl[T, const N: usize, K: Access] Channel<T, N, K>, T, [T, N, K]);
values!(#[cfg(feature = "heapless")] impl[T, const N: usize, K: Access] Priority<T, N, K>, (u32, T), [T, N, K]);
values!(#[cfg(feature = "alloc")] impl[T, K: Access] Growable<T, K>, T, [T, K]);
values!(#[cfg(feature = "alloc")] impl[T, K: Access] GrowablePriority<T, K>, (u32, T), [T, K]);
values!(#[cfg(feature = "alloc")] impl[T, K: Access] Unbounded<T, K>, T, [T, K]);
values!(
    #[cfg(any(feature = "heapless", feature = "alloc"))]
    impl[T, K: Access] Rendezvous<T, K>, T, [T, K]
);

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl<'a, C: Carrier> Receiver<'a, C> {
    /// The values that this end receives, as a stream, which ends when the channel is closed and nothing is left in it. The
    /// end is dropped with the stream, or when that has ended.
    ///
    /// # Cancellation
    /// No value is lost: it is received in the poll of the stream that has it. While the stream is not polled, it keeps its
    /// place in line, and what it is promised; that goes to others of its task (law NO-FUTURELOCK), and to everybody when the
    /// stream is dropped.
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use futures::StreamExt;
    /// use giambio_core::{channel::Channel, nursery, testing};
    ///
    /// let numbers = Channel::<u32, 2>::new();
    /// let sum = testing::run(nursery(async |n| {
    ///     let (sender, receiver) = (numbers.sender(), numbers.receiver());
    ///     n.spawn(async move {
    ///         for number in 1..=10 {
    ///             sender.send(number).await?;
    ///         }
    ///         Ok(())
    ///     });
    ///     let even = receiver.into_stream().filter(|number| core::future::ready(number % 2 == 0));
    ///     Ok::<_, giambio_core::channel::SendError<u32>>(even.fold(0, async |sum, number| sum + number).await)
    /// }));
    /// assert_eq!(sum, Ok(30));
    /// # }
    /// ```
    pub fn into_stream(self) -> impl FusedStream<Item = C::Value> + use<'a, C> {
        unfold(self, async |receiver| Some((receiver.receive().await.ok()?, receiver)))
    }
}

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl<'a, T, K: Access> Receiver<'a, Rendezvous<T, K>> {
    /// The values that this end receives, as a stream, which ends when the rendezvous is closed. The end is dropped with the
    /// stream, or when that has ended.
    ///
    /// # Cancellation
    /// As [`Rendezvous::stream`].
    pub fn into_stream(self) -> impl FusedStream<Item = T> + use<'a, T, K> {
        unfold(self, async |receiver| Some((receiver.receive().await.ok()?, receiver)))
    }
}

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl<'a, B: Broadcasts<Value: Clone>> Subscriber<'a, B> {
    /// What it receives, as a stream, which ends when the broadcast is closed and all was received. That values were missed
    /// is an item: [`BroadcastError::Lagged`].
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use futures::StreamExt;
    /// use giambio_core::{channel::Broadcast, testing};
    ///
    /// let news = Broadcast::<&str, 4>::new();
    /// let (reader, other) = (news.subscribe().into_stream(), news.stream());
    /// news.send("rain").unwrap();
    /// news.close();
    /// assert_eq!(testing::run(reader.collect::<Vec<_>>()), [Ok("rain")]);
    /// assert_eq!(testing::run(other.collect::<Vec<_>>()), [Ok("rain")]);
    /// # }
    /// ```
    ///
    /// # Errors
    /// An item is [`BroadcastError::Lagged`] where values were missed. The stream goes on after it.
    ///
    /// # Cancellation
    /// A value counts as received in the poll of the stream that has it.
    pub fn into_stream(self) -> impl FusedStream<Item = Result<B::Value, BroadcastError>> + use<'a, B> {
        unfold(self, async |mut subscriber| match subscriber.receive().await {
            Err(BroadcastError::Closed) => None,
            received => Some((received, subscriber)),
        })
    }
}

#[cfg(feature = "heapless")]
impl<T: Clone, const N: usize, K: Access> Broadcast<T, N, K> {
    /// What is sent from now on, as a stream: see [`Subscriber::into_stream`].
    ///
    /// # Errors
    /// As [`Subscriber::into_stream`].
    pub fn stream(&self) -> impl FusedStream<Item = Result<T, BroadcastError>> + use<'_, T, N, K> {
        self.subscribe().into_stream()
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone, K: Access> GrowableBroadcast<T, K> {
    /// What is sent from now on, as a stream: see [`Subscriber::into_stream`].
    ///
    /// # Errors
    /// As [`Subscriber::into_stream`].
    pub fn stream(&self) -> impl FusedStream<Item = Result<T, BroadcastError>> + use<'_, T, K> {
        self.subscribe().into_stream()
    }
}

impl<'a, T: Clone, K: Access> Watcher<'a, T, K> {
    /// The value each time that this one has not seen it, as a stream without an end. Of several changes in between, the last
    /// is seen.
    ///
    /// # Cancellation
    /// A value is seen in the poll of the stream that has it.
    pub fn into_stream(self) -> impl FusedStream<Item = T> + use<'a, T, K> {
        unfold(self, async |mut watcher| {
            watcher.changed().await;
            Some((watcher.read(T::clone), watcher))
        })
    }
}

impl Interval {
    /// Its ticks, as a stream without an end: each says when it was due.
    ///
    /// # Cancellation
    /// A tick that was waited for in vain is the next one again.
    pub fn into_stream(self) -> impl FusedStream<Item = Instant> {
        unfold(self, async |mut ticks| Some((ticks.tick().await, ticks)))
    }
}
