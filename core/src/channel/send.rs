//! A value that waits for its place.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::buffered::{PlaceOf, Room, send_in};
use super::carrier::Carrier;
use super::errors::SendError;
use crate::budgeted::tell;
use crate::call_site::CallSite;
use crate::gate::poll_proceed;

pin_project! {
    /// A value on its way into a channel, by [`Channel::send`](super::Channel::send). It is sent in the poll that ends; until
    /// then it can be had back.
    ///
    /// ```
    /// use core::{pin::pin, time::Duration};
    /// use giambio_core::{channel::Channel, move_on_after, testing};
    ///
    /// let channel = Channel::<&str, 1>::new();
    /// testing::run(async {
    ///     channel.send("first").await.unwrap();
    ///     let mut send = pin!(channel.send("second"));
    ///     if move_on_after(Duration::from_secs(1), send.as_mut()).await.is_none() {
    ///         assert_eq!(send.into_value(), Some("second")); // nobody received, and the channel is full
    ///     }
    /// });
    /// assert_eq!(channel.drain().collect::<Vec<_>>(), ["first"]);
    /// ```
    ///
    /// # Errors
    /// As [`Channel::send`](super::Channel::send).
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) The value that was not sent is dropped with it, unless it is
    /// taken out.
    #[must_use = "a value is sent when this is awaited"]
    pub struct Send<'a, C>
    where
        C: Carrier,
    {
        value: Option<C::Value>,
        asked_at: CallSite,
        #[pin]
        place: PlaceOf<'a, C::Store, C::Access>,
    }
}

impl<'a, C: Carrier> Send<'a, C> {
    #[cfg_attr(feature = "introspect", track_caller)]
    pub(super) fn new(channel: &'a C, value: C::Value) -> Self {
        Send { value: Some(value), asked_at: CallSite::here(), place: channel.buffered().place() }
    }

    /// Hands the value back, unless it was sent, and leaves the line. This must not be polled again.
    pub fn into_value(self: Pin<&mut Self>) -> Option<C::Value> {
        let this = self.project();
        this.place.leave();
        this.value.take()
    }
}

impl<C: Carrier> Future for Send<'_, C> {
    type Output = Result<(), SendError<C::Value>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(this.value.is_some(), "giambio: a `Send` is polled whose value was sent or handed back");
        let go = ready!(poll_proceed(cx));
        let Poll::Ready(sent) = this.place.as_mut().poll(cx, |inside, _, _| send_in(inside, this.value)) else {
            tell::<Room>(&*this.place, *this.asked_at);
            return Poll::Pending;
        };
        go.made_progress();
        Poll::Ready(sent.map(|receiver| {
            if let Some(receiver) = receiver {
                receiver.wake();
            }
        }))
    }
}

impl<C: Carrier> fmt::Debug for Send<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send").field("is_sent", &self.value.is_none()).finish_non_exhaustive()
    }
}
