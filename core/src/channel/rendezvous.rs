//! A channel without a place: values go from hand to hand.

use core::cell::RefCell;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::carrier::Ends;
use super::deliver::{Wakes, deliver};
use super::ends::{Receiver, Sender};
use super::errors::{Closed, SendError, TryReceiveError, TrySendError};
use super::held::{Look, poll_held};
use super::table::{InsideOf, Table};
use crate::budgeted::{Named, tell, tells};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::gate::poll_proceed;
use crate::kernel::wait_queue::{Access, End, Local, Place, Shared, Side, Sides, Waiting};
use crate::panics::First;

/// Values that go from hand to hand: [`send`](Rendezvous::send) ends when somebody has received the value, and not before.
///
/// So who sends knows that the other side has it, and nothing is ever on its way. First come, first served on both sides, any
/// number on each; it needs no heap. It is of kind [`Shared`] in a `static`, where interrupt handlers or other threads use
/// it; interrupt handlers may call [`try_send`](Rendezvous::try_send) and [`try_receive`](Rendezvous::try_receive).
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{channel::Rendezvous, clock, nursery, sleep, testing};
///
/// testing::run(async {
///     let counter = Rendezvous::new();
///     let Ok(()) = nursery(async |n| {
///         n.spawn(async {
///             sleep(Duration::from_secs(1)).await;
///             assert_eq!(counter.receive().await, Ok("a parcel"));
///             Ok::<(), core::convert::Infallible>(())
///         });
///         let start = clock();
///         counter.send("a parcel").await.unwrap();
///         assert_eq!(clock() - start, Duration::from_secs(1)); // somebody has it
///         Ok(())
///     })
///     .await;
/// });
/// ```
///
/// # Whose the value is
/// At each moment it is one side's. It changes hands in the poll in which [`receive`](Rendezvous::receive) ends, or in a
/// `try_receive`. Before that it is its sender's, whatever was promised to whom: who sends and is cancelled or dropped takes
/// it along, or has it back by [`HandOver::into_value`], and who receives and is cancelled has taken nothing. After that it
/// is the receiver's, and `into_value` says `None`, also where the sender was cancelled before it could learn that.
///
/// [`try_send`](Rendezvous::try_send) is the exception, since nobody waits there for the value to be taken.
pub struct Rendezvous<T, K: Access = Local> {
    sides: Sides<RefCell<Table<T>>, K>,
}

impl<T> Rendezvous<T> {
    /// One for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T> Rendezvous<T, Shared> {
    /// One for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<T, K: Access> Rendezvous<T, K> {
    const fn empty() -> Self {
        Rendezvous { sides: Sides::new(RefCell::new(Table::new())) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.sides.set_name(name);
        self
    }

    fn with<R>(&self, f: impl FnOnce(&mut Table<T>, &InsideOf<T>) -> R) -> R {
        self.sides.with(|inside| f(&mut inside.state.borrow_mut(), inside))
    }

    /// Hands a value to somebody who waits to receive, if there is one, and nobody else is about to. Never waits.
    ///
    /// Who waits is woken, and the value lies ready for it. Should that one be cancelled before it has come, the value goes
    /// to the next who receives; it is kept until there is one, also when this is closed.
    ///
    /// ```
    /// use giambio_core::channel::{Rendezvous, TrySendError};
    ///
    /// let counter = Rendezvous::new();
    /// let refused = counter.try_send("a parcel"); // nobody waits for it
    /// assert_eq!(refused, Err(TrySendError::Full { value: "a parcel", capacity: 0 }));
    /// counter.close();
    /// assert_eq!(counter.try_send("a parcel"), Err(TrySendError::Closed("a parcel")));
    /// ```
    ///
    /// # Errors
    /// `Full`, of capacity 0: nobody waits to receive, or others who send come before. Or it is closed. The value is handed
    /// back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let receiver = self.with(|table, inside| {
            let is_awaited = table.is_promised || inside.receivers.is_waited_in();
            match () {
                () if table.is_closed => Err(TrySendError::Closed(value)),
                () if !is_awaited || table.is_kept || table.value.is_some() => {
                    Err(TrySendError::Full { value, capacity: 0 })
                }
                () => {
                    table.value = Some(value);
                    Ok(table.offer(&inside.receivers))
                }
            }
        })?;
        receiver.wake();
        Ok(())
    }

    /// Hands a value to who receives: it ends when that one has it.
    ///
    /// # Errors
    /// It is closed, or is while this waits; the value is handed back.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) The value was received or it was not: [`HandOver::into_value`]
    /// hands it back in the second case, and says `None` in the first.
    #[track_caller]
    pub fn send(&self, value: T) -> HandOver<'_, T, K> {
        let place = Place::new(self.sides.end(Side::Sends));
        HandOver { rendezvous: self, value: Some(value), number: None, asked_at: CallSite::here(), place }
    }

    /// Takes the value of who has waited longest to send, if it is promised to nobody who waits. Never waits.
    ///
    /// When several wait to send, it finds the value of the second when that task was polled after this.
    ///
    /// ```
    /// use giambio_core::channel::{Rendezvous, TryReceiveError};
    /// use giambio_core::{nursery, testing, checkpoint};
    ///
    /// testing::run(nursery(async |n| {
    ///     let counter = Rendezvous::new();
    ///     assert_eq!(counter.try_receive(), Err(TryReceiveError::Empty)); // nobody is there to send
    ///     nursery(async |n| {
    ///         n.spawn(counter.send("a parcel"));
    ///         checkpoint().await;
    ///         assert_eq!(counter.try_receive(), Ok("a parcel"));
    ///         Ok(())
    ///     })
    ///     .await
    /// }))
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    /// No such value is there, or none will ever be.
    pub fn try_receive(&self) -> Result<T, TryReceiveError> {
        let taken = self.with(|table, inside| table.take(inside));
        let Some((value, woken)) = taken else { return Err(TryReceiveError::Empty) };
        woken.wake();
        value.map_err(|Closed| TryReceiveError::Closed)
    }

    /// Receives the value of who has waited longest to send, as soon as there is one.
    ///
    /// # Errors
    /// It is closed.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) The value is its sender's up to the poll in which this ends.
    /// One whose sender is cancelled just when this was promised its value waits on behind those that have come meanwhile.
    #[track_caller]
    pub fn receive(&self) -> impl Future<Output = Result<T, Closed>> {
        let take = |inside: &InsideOf<T>, _: &_, _| inside.state.borrow_mut().take(inside);
        deliver(tells::<ASender, _>(Waiting::new(self.sides.end(Side::Receives), take), CallSite::here()))
    }

    /// From now on nothing changes hands: who sends gets its value back, and who receives is told. (A value of
    /// [`try_send`](Rendezvous::try_send) that nobody came for can still be received.)
    pub fn close(&self) {
        let (sender, is_over) = self.with(|table, _| {
            table.is_closed = true;
            (table.sender.tell(), table.is_over())
        });
        let mut first = First::new();
        first.catch(|| sender.wake());
        first.catch(|| self.sides.tell_all(Side::Sends));
        if is_over {
            first.catch(|| self.sides.tell_all(Side::Receives));
        }
        first.resume();
    }

    /// Is it closed?
    pub fn is_closed(&self) -> bool {
        self.with(|table, _| table.is_closed)
    }

    /// As [`Channel::sender`](super::Channel::sender).
    pub fn sender(&self) -> Sender<'_, Self> {
        Sender::new(self)
    }

    /// As [`Channel::receiver`](super::Channel::receiver).
    pub fn receiver(&self) -> Receiver<'_, Self> {
        Receiver::new(self)
    }
}

/// Whom those wait for who receive.
struct ASender;

impl Named for ASender {
    const NAME: &'static str = "sender at rendezvous";
}

/// Whom those wait for who send.
struct AReceiver;

impl Named for AReceiver {
    const NAME: &'static str = "receiver at rendezvous";
}

pin_project! {
    /// A value on its way to who receives, by [`Rendezvous::send`]. It can be had back until somebody has it.
    ///
    /// ```
    /// use core::{pin::pin, time::Duration};
    /// use giambio_core::{channel::Rendezvous, move_on_after, testing};
    ///
    /// let counter = Rendezvous::new();
    /// testing::run(async {
    ///     let mut send = pin!(counter.send("a parcel"));
    ///     if move_on_after(Duration::from_secs(1), send.as_mut()).await.is_none() {
    ///         assert_eq!(send.into_value(), Some("a parcel")); // nobody came for it
    ///     }
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`Rendezvous::send`].
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) The value that nobody has received is dropped with it, unless
    /// it is taken out.
    #[must_use = "a value is sent when this is awaited"]
    pub struct HandOver<'a, T, K>
    where
        K: Access,
    {
        rendezvous: &'a Rendezvous<T, K>,
        // Until it is laid down.
        value: Option<T>,
        // By which it is known from then on.
        number: Option<u64>,
        asked_at: CallSite,
        #[pin]
        place: Place<End<'a, RefCell<Table<T>>, K>>,
    }

    impl<T, K: Access> PinnedDrop for HandOver<'_, T, K> {
        fn drop(this: Pin<&mut Self>) {
            drop(this.into_value());
        }
    }
}

impl<T, K: Access> HandOver<'_, T, K> {
    /// Hands the value back, unless somebody has received it, and leaves the line. This must not be polled again.
    pub fn into_value(self: Pin<&mut Self>) -> Option<T> {
        let this = self.project();
        this.place.leave();
        let Some(number) = this.number.take() else { return this.value.take() };
        let (value, own, next) = this.rendezvous.with(|table, inside| {
            if !table.sender.is_by(number) {
                return (None, None, None);
            }
            let value = if fault!("value-left-on-the-table") { None } else { table.value.take() };
            (value, table.sender.end(), table.release(&inside.senders))
        });
        let mut first = First::new();
        first.catch(|| next.wake());
        first.catch(|| drop(own));
        first.resume();
        value
    }
}

impl<T, K: Access> Future for HandOver<'_, T, K> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let is_over = this.value.is_none() && this.number.is_none();
        assert!(!is_over, "giambio: a `HandOver` is polled whose value was received or handed back");
        let go = ready!(poll_proceed(cx));
        let number = match *this.number {
            Some(number) => number,
            None => {
                let lay = |inside: &InsideOf<T>, _: &_, _| inside.state.borrow_mut().lay(this.value, &inside.receivers);
                match this.place.poll(cx, lay) {
                    Poll::Ready(Ok((number, receiver))) => {
                        *this.number = Some(number);
                        receiver.wake();
                        number
                    }
                    Poll::Ready(Err(closed)) => {
                        go.made_progress();
                        return Poll::Ready(Err(closed));
                    }
                    Poll::Pending => {
                        tell::<AReceiver>(&this.rendezvous.sides, *this.asked_at);
                        return Poll::Pending;
                    }
                }
            }
        };
        let rendezvous = *this.rendezvous;
        let look = |waker: &Waker| {
            rendezvous.with(|table, _| match table.value.take_if(|_| table.is_closed && table.sender.is_by(number)) {
                Some(value) => {
                    // It has been told, and so has no waker there.
                    table.sender.end();
                    Look::Got(Err(SendError(value)))
                }
                None if table.sender.is_by(number) => table.sender.look(waker),
                None => Look::Got(Ok(())),
            })
        };
        let keep = |waker: &mut Option<Waker>| rendezvous.with(|table, _| table.sender.keep(number, waker));
        let Poll::Ready(sent) = poll_held(cx, look, keep) else {
            tell::<AReceiver>(&rendezvous.sides, *this.asked_at);
            return Poll::Pending;
        };
        *this.number = None;
        go.made_progress();
        Poll::Ready(sent)
    }
}

impl<T, K: Access> Ends for Rendezvous<T, K> {
    fn comes(&self, side: Side) {
        self.with(|table, _| table.ends.come(side));
    }

    fn goes(&self, side: Side) {
        if self.with(|table, _| table.ends.go(side)) {
            self.close();
        }
    }
}

impl<T, K: Access> Default for Rendezvous<T, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, K: Access> fmt::Debug for Rendezvous<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_offered, is_closed) = self.with(|table, _| (table.value.is_some(), table.is_closed));
        let offered = if is_offered { "a value is offered" } else { "nothing is offered" };
        write!(f, "Rendezvous({offered}{})", if is_closed { ", closed" } else { "" })
    }
}

impl<T, K: Access> fmt::Debug for HandOver<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = self.value.is_none() && self.number.is_none();
        f.debug_struct("HandOver").field("is_over", &is_over).finish_non_exhaustive()
    }
}
