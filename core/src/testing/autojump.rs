//! A wait that takes no time.

use core::fmt;
use core::task::Waker;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::thread::Thread;
use std::vec::Vec;

use super::blocked::Loop;
use super::stuck::Stuck;
use crate::fault::fault;
use crate::time::{Clock, Instant, VirtualClock};
use crate::wait::{Until, Wait};

/// A [`Wait`] that moves a [`VirtualClock`] to the next deadline as soon as all tasks wait.
///
/// For loops that want a clock, a debugger or a frequency of their own; else [`run`](super::run)
/// is shorter.
///
/// # Panics
/// Its `wait` does if all tasks wait and nobody can wake one, or if they never wait: with the text of
/// [`Stuck`].
///
/// ```
/// use core::{pin::pin, time::Duration};
/// use giambio_core::testing::Autojump;
/// use giambio_core::{Clock, Runtime, Tick, VirtualClock, sleep};
///
/// let clock = VirtualClock::<32_768>::new(); // the crystal on the board
/// let runtime = pin!(Runtime::new(&clock, sleep(Duration::from_secs(2))));
/// runtime.run(&mut Autojump::new(&clock));
/// assert_eq!(clock.now(), Tick(65_536));
/// ```
pub struct Autojump<'c, const HZ: u64 = 1_000_000_000> {
    clock: &'c VirtualClock<HZ>,
    blocked: Loop,
    bell: Arc<Bell>,
    patience: Duration,
    /// Turns since the clock has moved, or another thread has ended a wait.
    turns: u64,
    most_turns: u64,
}

/// More turns at one moment than a test takes that comes to an end.
pub(super) const MANY_TURNS: u64 = 100_000;

impl<'c, const HZ: u64> Autojump<'c, HZ> {
    /// Moves that clock, which should be the runtime's.
    pub fn new(clock: &'c VirtualClock<HZ>) -> Self {
        Autojump {
            clock,
            blocked: Loop::new(),
            bell: Arc::new(Bell::new()),
            patience: Duration::ZERO,
            turns: 0,
            most_turns: MANY_TURNS,
        }
    }

    /// Before it jumps, or says that there is a deadlock, it waits that long in real time for a wake
    /// from another thread. For tests in which other threads take part; by default there is no wait.
    ///
    /// The runtime has to be given the [`waker`](Autojump::waker).
    ///
    /// ```
    /// use core::{pin::pin, time::Duration};
    /// use giambio_core::testing::Autojump;
    /// use giambio_core::{Runtime, VirtualClock};
    ///
    /// let clock: VirtualClock = VirtualClock::new();
    /// let mut wait = Autojump::new(&clock).patience(Duration::from_secs(10)).turns(1000);
    /// let (sender, receiver) = futures::channel::oneshot::channel();
    /// let runtime = pin!(Runtime::new(&clock, receiver).with_notify(wait.waker()));
    /// std::thread::spawn(|| sender.send(42));
    /// assert_eq!(runtime.run(&mut wait), Ok(42));
    /// ```
    pub fn patience(mut self, real_time: Duration) -> Self {
        self.patience = real_time;
        self
    }

    /// How many waits there may be while the clock stands still, before that counts as being [stuck](Stuck::Livelock);
    /// 100,000 by default. There is one between two turns, each of which is up to 64 polls. Those that another thread has ended
    /// begin the count anew.
    pub fn turns(mut self, most: u64) -> Self {
        self.most_turns = most;
        self
    }

    /// Ends a wait from another thread: for [`Runtime::with_notify`](crate::Runtime::with_notify).
    pub fn waker(&self) -> Waker {
        Waker::from(self.bell.clone())
    }

    /// Waits; an error says that it would be for ever.
    pub(super) fn try_wait(&mut self, until: Until) -> Result<(), Stuck> {
        self.turns += 1;
        if self.turns > self.most_turns {
            return Err(Stuck::Livelock { at: self.now(), turns: self.turns, tasks: Vec::new() });
        }
        if until == Until::Now || self.blocked.release() {
            return Ok(());
        }
        if self.bell.wait(self.patience) {
            // All tasks waited, if for a thread: who does that often is not always ready.
            self.turns = if fault!("threads-count-as-livelocks") { self.turns } else { 0 };
            return Ok(());
        }
        match until {
            Until::At(tick) => {
                self.turns = 0;
                self.clock.advance_to(tick);
                Ok(())
            }
            _ => Err(Stuck::Deadlock { at: self.now(), tasks: Vec::new(), chains: Vec::new() }),
        }
    }

    fn now(&self) -> Instant {
        crate::time::Moment::at(Clock::now(&self.clock).0).instant(HZ)
    }
}

impl<const HZ: u64> Wait for Autojump<'_, HZ> {
    #[track_caller]
    fn wait(&mut self, until: Until) {
        if let Err(stuck) = self.try_wait(until) {
            panic!("giambio: {stuck}");
        }
    }
}

impl<const HZ: u64> fmt::Debug for Autojump<'_, HZ> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Autojump").field("clock", &self.clock).field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Where other threads say that they have woken a task.
struct Bell {
    rung: AtomicBool,
    /// The loop's.
    thread: Thread,
}

impl Bell {
    fn new() -> Self {
        Bell { rung: AtomicBool::new(false), thread: std::thread::current() }
    }

    /// Waits for at most that long. Was it rung, now or since the last wait?
    fn wait(&self, patience: Duration) -> bool {
        let began = std::time::Instant::now();
        loop {
            if self.rung.swap(false, Ordering::SeqCst) {
                return true;
            }
            match patience.checked_sub(began.elapsed()) {
                Some(left) if !left.is_zero() => std::thread::park_timeout(left),
                _ => return false,
            }
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
