//! The loop, in the open: one [`turn`](Runtime::turn) does what can be done now and says when to
//! come back. Nothing here sleeps.
//!
//! A turn takes the wakes of other threads, fires the timers that are due, and polls the root
//! task, whose nurseries poll their ready children: at most 64 of them, then it is time to look at
//! timers and I/O again (law FAIR). A [`burst`](Runtime::burst) is as many turns as fit into those
//! 64 polls, without the ways up and down. What an adapter adds is how to wait in between.

use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::debugger::{Debugger, Event, NoDebugger};
use crate::hooks;
use crate::raw::in_place::clear;
use crate::raw::root::{Root, Turn};
use crate::task_info::TaskInfo;
use crate::time::{Clock, Tick};

/// When a runtime has work again.
///
/// ```
/// use giambio_core::{Next, Tick};
/// let next: Next<u8> = Next::At(Tick(5));
/// assert_eq!(next, Next::At(Tick(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says when the runtime must be turned again"]
pub enum Next<T> {
    /// Tasks are ready: look at I/O without waiting, then turn again.
    Now,
    /// Nothing to do before this reading of the clock, unless a task is woken.
    ///
    /// As a rule it is the soonest deadline. With feature `std`, where dozens of deadlines lie close together, it may be sooner:
    /// a turn then sorts some of them, so that none has to sort them all, and no task goes on. So it says when to turn
    /// again, and not that somebody waits for that moment. What comes later is never named.
    At(Tick),
    /// Nothing to do until a task is woken.
    OnWake,
    /// The main future has ended, with this.
    Finished(T),
}

impl<T> Next<T> {
    fn from_until(until: Until) -> Self {
        match until {
            Until::Now => Next::Now,
            Until::At(tick) => Next::At(tick),
            Until::OnWake => Next::OnWake,
        }
    }
}

/// How long a [`Wait`] may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Not at all: look for events and return.
    Now,
    /// Until this reading of the clock, or an earlier wake. It may be sooner than the soonest deadline: see [`Next::At`].
    At(Tick),
    /// Until a task is woken.
    OnWake,
}

/// How a loop waits between turns: an operating system's poll, `wfi`, or moving a virtual clock.
///
/// A wait may end too early, at the cost of a needless turn. It must end when a task is woken:
/// by an event that the wait itself delivers, by an interrupt, or by another thread through
/// [`Runtime::with_notify`].
///
/// ```
/// use core::pin::pin;
/// use core::time::Duration;
/// use giambio_core::{Runtime, Until, VirtualClock, sleep};
///
/// let clock: VirtualClock = VirtualClock::new();
/// let runtime = pin!(Runtime::new(&clock, sleep(Duration::from_secs(3600))));
/// // A wait that takes no time at all.
/// runtime.run(&mut |until| match until {
///     Until::Now => {}
///     Until::At(tick) => clock.advance_to(tick),
///     Until::OnWake => panic!("all tasks wait, and nobody is left to wake one"),
/// });
/// ```
pub trait Wait {
    /// Waits, at most until then.
    fn wait(&mut self, until: Until);
}

impl<F: FnMut(Until)> Wait for F {
    fn wait(&mut self, until: Until) {
        self(until)
    }
}

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
    /// assert_eq!(runtime.as_mut().turn(), Next::Now);
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
                let _turn = this.root.as_ref().try_turn(clock, hooks::dynamic(debugger));
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
    /// [`Wait::wait`] that is under way, or the next one. It may be called from any thread.
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

    /// Does what can be done now: takes the wakes of other threads, fires the timers that are
    /// due, and polls the tasks that are ready, each once and at most 64 of them.
    ///
    /// # Panics
    /// * If a task panics: the panic is passed on when the clean-ups of its siblings have run.
    /// * Inside another turn of the same thread: `.await` the future instead.
    /// * After [`Next::Finished`].
    /// * With feature `std`, in its first turn, if there are too many threads with one: `claim_thread` asks before.
    pub fn turn(self: Pin<&mut Self>) -> Next<F::Output> {
        self.work(false).map_or_else(Next::from_until, Next::Finished)
    }

    /// As [`turn`](Runtime::turn), but does not come back while tasks are ready: it polls them again, up to 64 polls in
    /// all, until it is time to look at timers and I/O. The order of the tasks' polls is the same, but what a task does
    /// beside a nursery (in a `join!`, say) may wait until the burst is over, and a nursery's body that is woken in the
    /// middle of a pass may come a pass earlier or later. What is saved is the way from the tasks up to the loop and
    /// down again. A runtime with a debugger makes single turns.
    ///
    /// ```
    /// use core::pin::pin;
    /// use giambio_core::{Next, Runtime, VirtualClock, checkpoint};
    ///
    /// let clock: VirtualClock = VirtualClock::new();
    /// let mut runtime = pin!(Runtime::new(&clock, async {
    ///     checkpoint().await;
    ///     checkpoint().await;
    ///     42
    /// }));
    /// assert_eq!(runtime.as_mut().burst(), Next::Finished(42));
    /// ```
    ///
    /// # Panics
    /// As [`turn`](Runtime::turn).
    pub fn burst(self: Pin<&mut Self>) -> Next<F::Output> {
        self.work(true).map_or_else(Next::from_until, Next::Finished)
    }

    /// A turn or a burst: what the main future has ended with, else how long to wait.
    #[inline]
    pub(crate) fn work(self: Pin<&mut Self>, bursts: bool) -> Result<F::Output, Until> {
        let mut this = self.project();
        let turn = begin(this.root.as_ref(), this.seams, this.main.is_some());
        start(this.started, &turn);
        if bursts {
            turn.allow_bursts();
        }
        turn.take_remote();
        turn.fire_due();
        poll(&turn, this.main.as_mut()).ok_or_else(|| turn.until())
    }

    /// The first part of a turn: takes the wakes of other threads and fires the timers that are
    /// due, but polls nothing. For loops that want to look at I/O in between.
    ///
    /// # Panics
    /// Inside another turn of the same thread, and after [`Next::Finished`].
    pub fn fire_due(self: Pin<&mut Self>) {
        let this = self.project();
        let turn = begin(this.root.as_ref(), this.seams, this.main.is_some());
        turn.take_remote();
        turn.fire_due();
    }

    /// Runs until the main future ends, waiting in between: where nothing is ready and, with [`Until::Now`], when a burst
    /// is over and something still is.
    ///
    /// It makes [bursts](Runtime::burst), and with a debugger single [turns](Runtime::turn). During a wait it is nobody's
    /// turn.
    ///
    /// # Panics
    /// As [`turn`](Runtime::turn).
    pub fn run(self: Pin<&mut Self>, wait: &mut impl Wait) -> F::Output {
        self.run_in(wait, Manner::Open)
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
        self.run_in(wait, Manner::Masked)
    }

    #[inline]
    fn run_in(mut self: Pin<&mut Self>, wait: &mut impl Wait, manner: Manner) -> F::Output {
        if !self.debugger().is_none() || self.root.is_seeded() {
            return self.run_watched(wait, manner);
        }
        let mut this = self.as_mut().project();
        let turn = begin(this.root.as_ref(), this.seams, this.main.is_some());
        start(this.started, &turn);
        turn.allow_bursts();
        loop {
            turn.take_remote();
            turn.fire_due();
            if let Some(value) = poll(&turn, this.main.as_mut()) {
                return value;
            }
            let until = turn.until();
            turn.pause(|| manner.wait(wait, until, || turn.is_ready()));
        }
    }

    /// The same in single turns.
    fn run_watched(mut self: Pin<&mut Self>, wait: &mut impl Wait, manner: Manner) -> F::Output {
        loop {
            match self.as_mut().work(false) {
                Ok(value) => return value,
                Err(until) => manner.wait(wait, until, || self.is_ready()),
            }
        }
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
        crate::raw::node::audit(self.project_ref().root, is_tame)
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

    /// Tells the debugger that the loop is about to look for I/O, for at most that long (`None`:
    /// without limit). For adapters.
    pub fn before_io(self: Pin<&Self>, timeout: Option<Duration>) {
        self.tell(Event::BeforeIo(timeout));
    }

    /// Tells the debugger that the loop has looked for I/O. For adapters.
    pub fn after_io(self: Pin<&Self>, timeout: Option<Duration>) {
        self.tell(Event::AfterIo(timeout));
    }

    /// Tells of what happens between two turns: in one of its own, so that a debugger may ask for the time.
    fn tell(self: Pin<&Self>, event: Event<'_>) {
        let this = self.project_ref();
        if let Some((clock, debugger)) = this.seams
            && let debugger @ Some(_) = hooks::dynamic(debugger)
            && let Some(_turn) = this.root.try_turn(clock, debugger)
        {
            hooks::tell(event);
        }
    }
}

/// Sees to it that this thread can have a runtime: so many threads at once may have one (4,096; 64 where pointers have 32
/// bits), or tasks in another executor. A thread that can, can until it ends. Without this, a runtime asks when it is first
/// turned, and panics.
///
/// # Errors
/// [`TooManyThreads`].
///
/// ```
/// assert_eq!(giambio_core::claim_thread(), Ok(()));
/// ```
#[cfg(feature = "std")]
pub fn claim_thread() -> Result<(), TooManyThreads> {
    match crate::raw::port::with(|state| state.try_table().is_some()) {
        true => Ok(()),
        false => Err(TooManyThreads(())),
    }
}

/// As many threads have a runtime as can have one, or have ended and left tasks alive.
///
/// Let threads end, and with them their runtimes; or have fewer threads do more each.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyThreads(pub(crate) ());

#[cfg(feature = "std")]
impl core::fmt::Display for TooManyThreads {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let most = crate::raw::table::THREADS;
        write!(f, "{most} threads have a runtime, which is as many as there can be: let some of them end first")
    }
}

#[cfg(feature = "std")]
impl core::error::Error for TooManyThreads {}

/// Runs `f` with interrupts masked, where there are interrupts.
fn masked(f: impl FnOnce()) {
    #[cfg(feature = "std")]
    f();
    #[cfg(not(feature = "std"))]
    critical_section::with(|_| f());
}

/// Begins a turn of a runtime that has not finished.
fn begin<'a, C: Clock, D: Debugger>(root: Pin<&'a Root>, seams: &'a Option<(C, D)>, has_main: bool) -> Turn<'a> {
    match seams {
        Some((clock, debugger)) if has_main => root.turn(clock, hooks::dynamic(debugger)),
        _ => panic!("giambio: the runtime was turned after it had finished"),
    }
}

/// How a run waits.
#[derive(Clone, Copy)]
enum Manner {
    Open,
    Masked,
}

impl Manner {
    #[inline]
    fn wait(self, wait: &mut impl Wait, until: Until, is_ready: impl Fn() -> bool) {
        match self {
            Manner::Open => wait.wait(until),
            Manner::Masked if until == Until::Now => {}
            Manner::Masked => masked(|| {
                if !is_ready() {
                    wait.wait(until);
                }
            }),
        }
    }
}

/// The first turn polls the root task, which nobody has woken.
fn start(started: &mut bool, turn: &Turn<'_>) {
    if !core::mem::replace(started, true) {
        hooks::tell(Event::Start);
        turn.make_ready();
    }
}

/// Polls the main future if its task was woken, and again while the turn goes on. Its value, when it ends.
#[inline]
fn poll<F: Future>(turn: &Turn<'_>, mut main: Pin<&mut Option<F>>) -> Option<F::Output> {
    loop {
        if let Some(Poll::Ready(value)) = main.as_mut().as_pin_mut().and_then(|main| turn.poll(main)) {
            clear(main);
            hooks::tell(Event::TaskExit(TaskInfo::ROOT));
            hooks::tell(Event::Exit);
            return Some(value);
        }
        if !turn.goes_on() {
            return None;
        }
    }
}

impl<F: Future, C: Clock, D: Debugger> core::fmt::Debug for Runtime<F, C, D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Runtime")
            .field("started", &self.started)
            .field("finished", &self.main.is_none())
            .finish_non_exhaustive()
    }
}
