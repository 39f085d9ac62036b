//! What the pieces of a program do with locks, channels and their like that all of them share. Each use begins and ends at
//! one moment, as long as no other holds anything for longer: so it says when it was done, and the reference knows when that
//! must be.
//!
//! However a use is cut off, by a lost race, a panic or the end of the program: what it has taken is back, what went in has
//! come out or is there still, and nobody waits for it.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;

use futures::future::join;
#[cfg(feature = "heapless")]
use giambio_core::channel::{Broadcast, Channel, Priority};
use giambio_core::channel::{
    BroadcastError, Broadcasts, Growable, GrowableBroadcast, GrowablePriority, OneShot, Pipe, Rendezvous, Subscriber,
    Unbounded,
};
use giambio_core::sync::{Barrier, Condition, Event, Latch, Limiter, Mutex, OnceCell, RwLock, Semaphore, Watch};
use giambio_core::{checkpoint, nursery, shield};

/// What is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Use {
    Mutex,
    Shielded,
    Permits(usize),
    Read,
    Write,
    Limiter,
    Growable,
    GrowablePriority,
    GrowableBroadcast,
    Slot,
    Unbounded,
    Channel,
    Priority,
    Pipe,
    Rendezvous,
    OneShot,
    Broadcast,
    Watch,
    Cell,
    Event,
    Latch,
    Barrier,
    Condition,
}

impl Use {
    pub(crate) const ALL: [Use; 25] = [
        Use::Mutex,
        Use::Shielded,
        Use::Permits(0),
        Use::Permits(1),
        Use::Permits(2),
        Use::Read,
        Use::Write,
        Use::Limiter,
        Use::Growable,
        Use::GrowablePriority,
        Use::GrowableBroadcast,
        Use::Slot,
        Use::Unbounded,
        Use::Channel,
        Use::Priority,
        Use::Pipe,
        Use::Rendezvous,
        Use::OneShot,
        Use::Broadcast,
        Use::Watch,
        Use::Cell,
        Use::Event,
        Use::Latch,
        Use::Barrier,
        Use::Condition,
    ];
}

/// What all pieces share.
pub(crate) struct Between {
    mutex: Mutex<Taken>,
    semaphore: Semaphore,
    permits: Taken,
    lock: RwLock<()>,
    /// A look is one of many, a change all of them.
    looks: Taken,
    limiter: Limiter,
    limited: Taken,
    growable: Growable<u32>,
    growable_priority: GrowablePriority<u32>,
    growable_broadcast: GrowableBroadcast<u32>,
    unbounded: Unbounded<u32>,
    #[cfg(feature = "heapless")]
    channel: Channel<u32, 2>,
    #[cfg(feature = "heapless")]
    priority: Priority<u32, 2>,
    #[cfg(feature = "heapless")]
    broadcast: Broadcast<u32, 2>,
    pipe: Pipe<8>,
    /// Bytes that were cut off uses' to take, when all of those in the pipe were promised to others.
    left_over: Cell<u32>,
    watch: Watch<u32>,
    cell: OnceCell<u32>,
    condition: Condition,
    met: RefCell<Vec<u32>>,
    /// Of all that went in, and of all that came out.
    sums: [Cell<u64>; 2],
}

/// How much is taken of something, by those who hold it.
struct Taken {
    count: Cell<usize>,
    total: usize,
}

/// So much of it is.
struct Holds<'a>(&'a Taken, usize);

impl Taken {
    fn of(total: usize) -> Self {
        Taken { count: Cell::new(0), total }
    }

    fn take(&self, count: usize) -> Holds<'_> {
        self.count.set(self.count.get() + count);
        assert!(self.count.get() <= self.total, "{} of {} are taken", self.count.get(), self.total);
        Holds(self, count)
    }
}

impl Drop for Holds<'_> {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - self.1);
    }
}

/// Something went in, and something is to come out for it.
struct Owed<'a, F: Fn() -> Option<u32>> {
    between: &'a Between,
    take: F,
    is_paid: bool,
}

impl<F: Fn() -> Option<u32>> Owed<'_, F> {
    fn paid(mut self, value: u32) {
        self.is_paid = true;
        self.between.comes_out(value);
    }
}

impl<F: Fn() -> Option<u32>> Drop for Owed<'_, F> {
    /// It was cut off.
    fn drop(&mut self) {
        if !self.is_paid
            && let Some(value) = (self.take)()
        {
            self.between.comes_out(value);
        }
    }
}

/// Both, the first by a task of its own.
async fn apart<T>(child: impl Future<Output = ()>, body: impl Future<Output = T>) -> T {
    let both = nursery(async |n| {
        n.spawn(async {
            checkpoint().await;
            child.await;
            Ok::<_, Infallible>(())
        });
        Ok(body.await)
    });
    let Ok(value) = both.await;
    value
}

/// Hears the news to that which it waits for.
async fn hears<B: Broadcasts<Value = u32>>(mut subscriber: Subscriber<'_, B>, number: u32) {
    loop {
        match subscriber.receive().await {
            Ok(received) if received == number => return,
            Ok(_) => {}
            // So many were sent meanwhile.
            Err(BroadcastError::Lagged(_)) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A value went into what all share: one of those that are in there comes out.
macro_rules! passes_through {
    ($between:expr, $channel:expr, $number:expr, $value:pat => $out:expr) => {{
        let channel = $channel;
        // There are as many values as there are such who owe.
        let take = || match channel.try_receive() {
            Ok($value) => Some($out),
            Err(error) => panic!("nothing is left for a use that was cut off: {error}"),
        };
        let owed = $between.goes_in($number, take);
        checkpoint().await;
        let $value = channel.receive().await.unwrap();
        owed.paid($out);
    }};
}

impl Between {
    pub(crate) fn new() -> Self {
        Between {
            mutex: Mutex::new(Taken::of(1)),
            semaphore: Semaphore::new(2),
            permits: Taken::of(2),
            lock: RwLock::new(()),
            looks: Taken::of(1_000),
            limiter: Limiter::new(2),
            limited: Taken::of(2),
            growable: Growable::new(1),
            growable_priority: GrowablePriority::new(1),
            growable_broadcast: GrowableBroadcast::new(1),
            unbounded: Unbounded::new(),
            #[cfg(feature = "heapless")]
            channel: Channel::new(),
            #[cfg(feature = "heapless")]
            priority: Priority::new(),
            #[cfg(feature = "heapless")]
            broadcast: Broadcast::new(),
            pipe: Pipe::new(),
            left_over: Cell::new(0),
            watch: Watch::new(0),
            cell: OnceCell::new(),
            condition: Condition::new(),
            met: RefCell::default(),
            sums: Default::default(),
        }
    }

    fn goes_in<F: Fn() -> Option<u32>>(&self, value: u32, take: F) -> Owed<'_, F> {
        self.sums[0].set(self.sums[0].get() + u64::from(value));
        Owed { between: self, take, is_paid: false }
    }

    fn comes_out(&self, value: u32) {
        self.sums[1].set(self.sums[1].get() + u64::from(value));
    }

    /// Uses it. `number` is of this use alone.
    pub(crate) async fn uses(&self, what: Use, number: u32) {
        shield(self.uses_to_its_end(what, number)).await;
    }

    async fn uses_to_its_end(&self, what: Use, number: u32) {
        match what {
            Use::Mutex => {
                let guard = self.mutex.lock().await;
                let _holds = guard.take(1);
                checkpoint().await;
            }
            Use::Shielded => {
                let body = async |taken: &mut Taken| {
                    let _holds = taken.take(1);
                    checkpoint().await;
                };
                self.mutex.use_shielded(body).await;
            }
            Use::Permits(count) => {
                let _permit = self.semaphore.acquire(count).await.unwrap();
                let _holds = self.permits.take(count);
                checkpoint().await;
            }
            Use::Read => {
                let _guard = self.lock.read().await;
                let _holds = self.looks.take(1);
                checkpoint().await;
            }
            Use::Write => {
                let _guard = self.lock.write().await;
                let _holds = self.looks.take(self.looks.total);
                checkpoint().await;
            }
            Use::Limiter => {
                let body = async {
                    let _holds = self.limited.take(1);
                    checkpoint().await;
                };
                self.limiter.run(1, body).await.unwrap();
            }
            Use::Growable => {
                self.growable.send(number).await.unwrap();
                passes_through!(self, &self.growable, number, value => value);
            }
            Use::GrowablePriority => {
                self.growable_priority.send((number % 3, number)).await.unwrap();
                passes_through!(self, &self.growable_priority, number, (_, value) => value);
            }
            Use::GrowableBroadcast => {
                let send = async {
                    if number.is_multiple_of(8) {
                        self.growable_broadcast.grow(1);
                    }
                    self.growable_broadcast.send(number).unwrap();
                };
                apart(send, hears(self.growable_broadcast.subscribe(), number)).await;
            }
            Use::Slot => {
                let slot = self.growable.slot().await.unwrap();
                checkpoint().await;
                slot.send(number);
                passes_through!(self, &self.growable, number, value => value);
            }
            Use::Unbounded => {
                self.unbounded.send(number).unwrap();
                passes_through!(self, &self.unbounded, number, value => value);
            }
            #[cfg(feature = "heapless")]
            Use::Channel => {
                self.channel.send(number).await.unwrap();
                passes_through!(self, &self.channel, number, value => value);
            }
            #[cfg(feature = "heapless")]
            Use::Priority => {
                self.priority.send((number % 3, number)).await.unwrap();
                passes_through!(self, &self.priority, number, (_, value) => value);
            }
            #[cfg(feature = "heapless")]
            Use::Broadcast => {
                let send = async { self.broadcast.send(number).unwrap() };
                apart(send, hears(self.broadcast.subscribe(), number)).await;
            }
            #[cfg(not(feature = "heapless"))]
            Use::Channel | Use::Priority | Use::Broadcast => checkpoint().await,
            Use::Pipe => {
                let byte = number as u8;
                self.pipe.send_all(&[byte]).await.unwrap();
                let take = || {
                    let mut byte = [0];
                    let taken = self.pipe.try_receive(&mut byte).map(|_| byte[0].into());
                    if taken.is_none() {
                        self.left_over.set(self.left_over.get() + 1);
                    }
                    taken
                };
                let owed = self.goes_in(byte.into(), take);
                checkpoint().await;
                let mut byte = [0];
                self.pipe.receive_exact(&mut byte).await.unwrap();
                owed.paid(byte[0].into());
                self.take_what_is_left_over();
            }
            Use::Rendezvous => {
                let counter = Rendezvous::new();
                let send = async { counter.send(number).await.unwrap() };
                let received = match number % 2 {
                    0 => apart(send, counter.receive()).await,
                    _ => join(send, counter.receive()).await.1,
                };
                assert_eq!(received, Ok(number));
            }
            Use::OneShot => {
                let answer = OneShot::new();
                let received = apart(async { answer.sender().send(number).unwrap() }, answer.receive()).await;
                assert_eq!(received, Ok(number));
            }
            Use::Watch => {
                let mut watcher = self.watch.watcher();
                watcher.read(|_| ());
                apart(async { _ = self.watch.set(number) }, watcher.changed()).await;
                assert_ne!(self.watch.get(), 0);
            }
            Use::Cell => {
                let make = async || {
                    checkpoint().await;
                    number
                };
                let value = *self.cell.get_or_init(make).await;
                assert_eq!(self.cell.get(), Some(&value));
            }
            Use::Event => {
                let event = Event::new();
                match number % 2 {
                    0 => apart(async { event.set() }, event.wait()).await,
                    _ => apart(async { event.set() }, event.wait_and_clear()).await,
                }
                assert_eq!(event.is_set(), number.is_multiple_of(2));
            }
            Use::Latch => {
                let latch = Latch::new(2);
                let count = async {
                    latch.count_down();
                    checkpoint().await;
                    latch.count_down();
                };
                apart(count, latch.wait()).await;
            }
            Use::Barrier => {
                let barrier = Barrier::new(2);
                let other = Cell::new(false);
                let is_last = apart(async { other.set(barrier.wait().await) }, barrier.wait()).await;
                assert!(is_last != other.get(), "one of both came last");
            }
            Use::Condition => {
                let meets = async {
                    self.met.borrow_mut().push(number);
                    self.condition.notify_all();
                };
                let has_met = || self.met.borrow().contains(&number).then_some(());
                apart(meets, self.condition.wait_for(has_met)).await;
            }
        }
    }

    fn take_what_is_left_over(&self) {
        let mut byte = [0];
        while self.left_over.get() > 0 && self.pipe.try_receive(&mut byte).is_some() {
            self.left_over.set(self.left_over.get() - 1);
            self.comes_out(byte[0].into());
        }
    }

    /// What is not as it was before the program.
    pub(crate) fn left(&self) -> Option<String> {
        self.take_what_is_left_over();
        let values = self.growable.len() + self.growable_priority.len() + self.unbounded.len() + self.pipe.len();
        #[cfg(feature = "heapless")]
        let values = values + self.channel.len() + self.priority.len();
        let taken = [
            ("of the mutex", usize::from(self.mutex.is_locked())),
            ("permits", 2 - self.semaphore.free()),
            ("of the lock", usize::from(self.lock.try_write().is_none())),
            ("of the limiter", self.limiter.held() + self.limiter.holders().count()),
            ("values", values),
            ("bytes", self.left_over.get() as usize),
            ("of the news", self.growable_broadcast.subscribers()),
        ];
        let left = taken.iter().find(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}"));
        let [of_all_in, of_all_out] = self.sums.each_ref().map(Cell::get);
        left.or_else(|| (of_all_in != of_all_out).then(|| format!("{of_all_in} went in, {of_all_out} came out")))
    }
}
