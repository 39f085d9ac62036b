//! The loop, in the open: one [`turn`](Runtime::turn) does what can be done now and says when to
//! come back. Nothing here sleeps.
//!
//! A turn takes the wakes of other threads, fires the timers that are due, and polls the root
//! task, whose nurseries poll their ready children, in as many passes as fit into 64 polls: then it
//! is time to look at timers and I/O again (law FAIR). What an adapter adds is how to wait in between.

#[cfg(feature = "std")]
mod guest;
mod step;

use core::convert::Infallible;
use core::pin::Pin;

use pin_project_lite::pin_project;

use self::step::{End, begin, rest, start, step};
use crate::debugger::{Debugger, NoDebugger};
use crate::fault::fault;
use crate::kernel::clock::given;
use crate::kernel::emit as hooks;
use crate::kernel::in_place::clear;
use crate::kernel::root::{Root, Turn};
#[cfg(feature = "std")]
use crate::kernel::threads::TooManyThreads;
use crate::time::Clock;
use crate::wait::{Next, Until, Wait};

pin_project! {
    /// A main future with a clock, ready to be turned.
    ///
    /// Pin it, then call [`turn`](Runtime::turn) in a loop of your own, or [`run`](Runtime::run)
    /// with a [`Wait`]. Dropping it drops the main future and all tasks in it.
    ///
    /// ```
    /// use core::pin::pin;
    /// use giambio_core::{Next, Runtime, VirtualClock, checkpoint};
    ///
    /// let clock: VirtualClock = VirtualClock::new();
    /// let mut runtime = pin!(Runtime::new(&clock, async {
    ///     checkpoint().await;
    ///     42
    /// }));
    /// assert_eq!(runtime.as_mut().turn(), Next::Finished(42));
    /// ```
    #[must_use = "a runtime does nothing unless it is turned"]
    pub struct Runtime<F: Future, C: Clock, D: Debugger = NoDebugger> {
        #[pin]
        main: Option<F>,
        #[pin]
        root: Root,
        // Always there; an `Option` so that `with_debugger` can move it on.
        seams: Option<(C, D)>,
        started: bool,
    }

    impl<F: Future, C: Clock, D: Debugger> PinnedDrop for Runtime<F, C, D> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let (true, true, Some((clock, debugger))) = (*this.started, this.main.is_some(), this.seams) {
                // The destructors of the tasks run as tasks do: in a turn, if none is under way.
                let turn = this.root.as_ref().try_turn(given(clock), hooks::dynamic(debugger));
                let _end = (turn.is_some() && !fault!("no-end-of-a-run-that-panics")).then(|| End);
                clear(this.main);
            }
        }
    }
}

impl<F: Future, C: Clock> Runtime<F, C> {
    /// A runtime that has not begun.
    pub fn new(clock: C, main: F) -> Self {
        const { assert!(C::HZ > 0, "giambio: a clock must tick: `Clock::HZ` is 0") };
        let (root, seams) = (Root::new(), Some((clock, NoDebugger)));
        Runtime { main: Some(main), root, seams, started: false }
    }

    /// The same with a debugger, which sees every event.
    ///
    /// ```
    /// use core::pin::pin;
    /// use giambio_core::{Event, Next, Runtime, VirtualClock, Debugger};
    ///
    /// struct Log;
    ///
    /// impl Debugger for Log {
    ///     fn event(&self, event: Event<'_>) {
    ///         println!("{event:?}");
    ///     }
    /// }
    ///
    /// let clock: VirtualClock = VirtualClock::new();
    /// let mut runtime = pin!(Runtime::new(&clock, async { 42 }).with_debugger(Log));
    /// assert_eq!(runtime.as_mut().turn(), Next::Finished(42));
    /// ```
    pub fn with_debugger<D: Debugger>(mut self, debugger: D) -> Runtime<F, C, D> {
        #[cfg_attr(not(feature = "std"), expect(unused_mut, reason = "it has no notifier"))]
        let mut root = Root::new();
        #[cfg(feature = "std")]
        {
            root.set_notify(self.root.take_notify());
            root.seed().swap(self.root.seed());
        }
        Runtime {
            main: self.main.take(),
            root,
            seams: self.seams.take().map(|(clock, _)| (clock, debugger)),
            started: false,
        }
    }
}

impl<F: Future, C: Clock, D: Debugger> Runtime<F, C, D> {
    /// The same with something to call when a task is woken by another thread: it must end a
    /// [`Wait::wait`] that is under way, or the next one. It may be called from any thread, and for a task of
    /// another runtime of this thread.
    ///
    /// ```
    /// use core::{pin::pin, time::Duration};
    /// use giambio_core::{Runtime, VirtualClock, sleep, testing::Autojump};
    ///
    /// let clock: VirtualClock = VirtualClock::new();
    /// let mut wait = Autojump::new(&clock).patience(Duration::from_secs(10)).turns(1000);
    /// let (sender, receiver) = futures::channel::oneshot::channel();
    /// let runtime = pin!(Runtime::new(&clock, receiver).with_notify(wait.waker()));
    /// std::thread::spawn(|| sender.send(42));
    /// assert_eq!(runtime.run(&mut wait), Ok(42));
    /// ```
    #[cfg(feature = "std")]
    pub fn with_notify(mut self, notify: core::task::Waker) -> Self {
        self.root.set_notify(Some(notify));
        self
    }

    /// The same where chance decides in which order a pass polls those who are ready, instead of their wakes: for tests. By
    /// the same seed it is the same order.
    #[cfg(feature = "std")]
    #[doc(hidden)]
    pub fn __seed(self, seed: Option<u64>) -> Self {
        self.root.seed().set(seed);
        self
    }

    /// Does what can be done now: takes the wakes of other threads, fires the timers that are due, and polls the tasks that
    /// are ready, and those that become ready meanwhile: at most 64 polls, then it is time to look at timers and I/O again.
    ///
    /// The polls come in passes, in each of which a task is polled at most once, in the order of the wakes. Where nothing
    /// is ready outside of a nursery, it makes the next pass by itself. So what a task does beside a nursery, in a `join!`
    /// say, may wait until the turn is over.
    ///
    /// It makes no difference to all of this who turns the runtime, and whether a debugger looks on (law ONE-SCHEDULE).
    ///
    /// ```
    /// use core::pin::pin;
    /// use core::time::Duration;
    /// use giambio_core::{Next, Runtime, Tick, Until, VirtualClock, checkpoint, sleep};
    ///
    /// let clock: VirtualClock = VirtualClock::new();
    /// let mut runtime = pin!(Runtime::new(&clock, async {
    ///     checkpoint().await;
    ///     sleep(Duration::from_nanos(5)).await;
    ///     42
    /// }));
    /// assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::At(Tick(5))));
    /// clock.advance_to(Tick(5));
    /// assert_eq!(runtime.as_mut().turn(), Next::Finished(42));
    /// ```
    ///
    /// # Panics
    /// * If a task panics: the panic is passed on when the clean-ups of its siblings have run.
    /// * Inside another turn of the same thread: `.await` the future instead.
    /// * After [`Next::Finished`].
    /// * With feature `std`, in its first turn, if there are too many threads with one: `claim_thread` asks before.
    pub fn turn(self: Pin<&mut Self>) -> Next<F::Output> {
        let mut this = self.project();
        let turn = begin(this.root.as_ref(), this.seams, this.main.is_some());
        start(this.started, &turn);
        step(&turn, this.main.as_mut())
    }

    /// The one loop: turns, and what comes in between, until the main future has ended or that fails.
    pub(crate) fn drive<E>(
        self: Pin<&mut Self>,
        mut between: impl FnMut(&Turn<'_>, Until) -> Result<(), E>,
    ) -> Result<F::Output, E> {
        let mut this = self.project();
        let turn = begin(this.root.as_ref(), this.seams, this.main.is_some());
        start(this.started, &turn);
        loop {
            match step(&turn, this.main.as_mut()) {
                Next::Finished(value) => return Ok(value),
                Next::Wait(until) => between(&turn, until)?,
            }
        }
    }

    /// The first part of a turn by itself, for tests: fires the timers that are due, and polls nothing.
    #[doc(hidden)]
    pub fn __fire_due(self: Pin<&mut Self>) {
        let this = self.project();
        let turn = begin(this.root.as_ref(), this.seams, this.main.is_some());
        turn.take_remote();
        turn.fire_due();
    }

    /// Runs until the main future ends, by [turns](Runtime::turn), and waits in between: where nothing is ready and, with
    /// [`Until::Now`], when a turn is over and something still is. During a wait it is nobody's turn. A debugger is told of
    /// the waits that [look for I/O](Wait::looks_for_io).
    ///
    /// # Panics
    /// As [`turn`](Runtime::turn).
    pub fn run(self: Pin<&mut Self>, wait: &mut impl Wait) -> F::Output {
        let is_watched = hooks::dynamic(self.debugger()).is_some();
        let Ok(value) = self.drive(|turn, until| Ok::<_, Infallible>(rest(turn, wait, until, is_watched)));
        value
    }

    /// As [`run`](Runtime::run), for a processor that sleeps until an interrupt comes: `wait` is
    /// called with interrupts masked, unless one of them has woken a task since the last look. So no
    /// wake falls between the look and the sleep. It is never called for [`Until::Now`].
    ///
    /// `wfi` ends by an interrupt even while it is masked (Cortex-M: by `PRIMASK`; RISC-V: by
    /// `mstatus`); its handler runs when `wait` has returned.
    ///
    /// With feature `std` there are no interrupts, and nothing is masked.
    ///
    /// # Panics
    /// As [`turn`](Runtime::turn).
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use core::time::Duration;
    /// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # mod alarm { pub fn set(_: giambio_core::Tick) {} pub fn clear() {} }
    /// # let wfi = || clock.advance(Duration::from_secs(1));
    /// let runtime = pin!(Runtime::new(&clock, sleep(Duration::from_secs(60))));
    /// runtime.run_masked(&mut |until| {
    ///     match until {
    ///         Until::At(tick) => alarm::set(tick), // an interrupt then
    ///         _ => alarm::clear(),
    ///     }
    ///     wfi();
    /// });
    /// ```
    pub fn run_masked(self: Pin<&mut Self>, wait: &mut impl Wait) -> F::Output {
        let Ok(value) = self.drive(|turn, until| {
            let look_and_wait = || {
                if !turn.is_ready() {
                    wait.wait(until);
                }
            };
            turn.pause(|| {
                if until != Until::Now {
                    masked(look_and_wait)
                }
            });
            Ok::<_, Infallible>(())
        });
        value
    }

    /// Is there something to do, so that the next turn won't be idle? For loops that look once
    /// more, interrupts masked, before they sleep.
    pub fn is_ready(&self) -> bool {
        !self.started || self.root.is_ready()
    }

    /// Compares each count and mark in the tree of scopes with a recount, between turns. For tests: an error is what is
    /// wrong, what was kept, and what it should be. `is_tame`: the code pauses no nursery, and has no
    /// foreign wakers that drop what they are to wake.
    #[cfg(feature = "alloc")]
    #[doc(hidden)]
    pub fn __audit(self: Pin<&Self>, is_tame: bool) -> Result<(), (&'static str, usize, usize)> {
        self.project_ref().root.get_ref().audit(is_tame)
    }

    fn seams(&self) -> &(C, D) {
        match &self.seams {
            Some(seams) => seams,
            None => unreachable!("taken only by `with_debugger`, with the runtime"),
        }
    }

    /// The clock.
    pub fn clock(&self) -> &C {
        &self.seams().0
    }

    /// The debugger.
    pub fn debugger(&self) -> &D {
        &self.seams().1
    }

    /// Runs this between two turns, in one of its own. `None`: it is another runtime's turn.
    #[cfg(feature = "introspect")]
    pub(crate) fn between_turns<R>(self: Pin<&Self>, f: impl FnOnce() -> R) -> Option<R> {
        let this = self.project_ref();
        let (clock, debugger) = this.seams.as_ref()?;
        let _turn = this.root.try_turn(given(clock), hooks::dynamic(debugger))?;
        Some(f())
    }
}

/// Sees to it that this thread can have a runtime: 4,096 threads at once may have one, or tasks in another executor. A
/// thread that can, can until it ends. Without this, a runtime asks when it is first turned, and panics.
///
/// # Errors
/// [`TooManyThreads`].
///
/// ```
/// assert_eq!(giambio_core::claim_thread(), Ok(()));
/// ```
#[cfg(feature = "std")]
pub fn claim_thread() -> Result<(), TooManyThreads> {
    match crate::kernel::context::with(|context| context.try_home().is_some()) {
        true => Ok(()),
        false => Err(TooManyThreads(())),
    }
}

/// Runs `f` with interrupts masked, where there are interrupts.
fn masked(f: impl FnOnce()) {
    #[cfg(feature = "std")]
    f();
    #[cfg(not(feature = "std"))]
    critical_section::with(|_| f());
}

impl<F: Future, C: Clock, D: Debugger> core::fmt::Debug for Runtime<F, C, D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Runtime")
            .field("started", &self.started)
            .field("finished", &self.main.is_none())
            .finish_non_exhaustive()
    }
}
