//! Where values go to, one after the other, as a `Sink`, the trait of `futures-sink`, for the combinators of other libraries.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_sink::Sink;
use pin_project_lite::pin_project;

use crate::channel::{Carrier, Closed, Sender, Slot};

pin_project! {
    /// Values go into slots, for which it waits before there is a value.
    struct Slots<'a, C, W, F>
    where
        C: Carrier,
    {
        sender: Option<Sender<'a, C>>,
        slot: Option<Slot<'a, C>>,
        wait: W,
        #[pin]
        waiting: Option<F>,
    }
}

impl<'a, C: Carrier> Sender<'a, C> {
    /// A sink for values: to be ready it waits for a [`slot`](Sender::slot), which the value goes into. Closed as sinks are,
    /// it drops this end. What was sent is in the channel at once, so there is nothing to flush.
    ///
    /// # Errors
    /// The channel is closed.
    ///
    /// # Cancellation
    /// The `send` of `SinkExt` is [**Lossy**](crate#cancellation): dropped before there was room, it drops its value, where the
    /// [`send`](Sender::send) of this end hands it back. A slot that the sink has and that is not used is kept for it until
    /// it is dropped.
    ///
    /// # Panics
    /// The sink does, if it is given a value without having been ready.
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use futures::{StreamExt, stream};
    /// use giambio_core::{channel::Channel, testing};
    ///
    /// let channel = Channel::<u32, 2>::new();
    /// testing::run(async {
    ///     let (sender, receiver) = (channel.sender(), channel.receiver());
    ///     let sends = stream::iter(1..=5).map(Ok).forward(sender.into_sink());
    ///     let (sent, all) = futures::join!(sends, receiver.into_stream().collect::<Vec<_>>());
    ///     assert_eq!((sent, all), (Ok(()), vec![1, 2, 3, 4, 5]));
    /// });
    /// # }
    /// ```
    pub fn into_sink(self) -> impl Sink<C::Value, Error = Closed> + use<'a, C> {
        Slots { sender: Some(self), slot: None, wait: |sender: &Sender<'a, C>| sender.slot(), waiting: None }
    }
}

impl<'a, C, W, F> Sink<C::Value> for Slots<'a, C, W, F>
where
    C: Carrier,
    W: FnMut(&Sender<'a, C>) -> F,
    F: Future<Output = Result<Slot<'a, C>, Closed>>,
{
    type Error = Closed;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut this = self.project();
        if this.slot.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Some(sender) = this.sender else { return Poll::Ready(Err(Closed)) };
        if this.waiting.is_none() {
            this.waiting.set(Some((this.wait)(sender)));
        }
        let Some(waiting) = this.waiting.as_mut().as_pin_mut() else { unreachable!("giambio: it was just set") };
        let slot = ready!(waiting.poll(cx));
        this.waiting.set(None);
        *this.slot = Some(slot?);
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, value: C::Value) -> Result<(), Closed> {
        let this = self.project();
        if this.sender.is_none() {
            return Err(Closed);
        }
        let Some(slot) = this.slot.take() else {
            panic!("giambio: a value is given to a sink that is not ready: `poll_ready` comes before");
        };
        slot.send(value);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut this = self.project();
        this.waiting.set(None);
        *this.slot = None;
        *this.sender = None;
        Poll::Ready(Ok(()))
    }
}
