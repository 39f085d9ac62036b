//! What the tests share: a virtual world to run in, and instruments that notice what a runtime
//! must not do. None of it uses more of the core than a leaf future may.
#![allow(dead_code)] // each test program uses a part

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::marker::PhantomPinned;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use giambio_core::{Clock, Debugger, Next, Runtime, Until, VirtualClock, clock, poll_proceed};

/// More turns than any test here needs.
const TURNS: u32 = 50_000_000;

// ---------------------------------------------------------------------------------- running

/// Keeps other tests out where all threads share one runtime state: without feature `std`.
pub(crate) struct Alone {
    #[cfg(not(feature = "std"))]
    _guard: Option<std::sync::MutexGuard<'static, ()>>,
}

/// For tests that drive a runtime, or poll a nursery, by hand. May be nested.
#[cfg(feature = "std")]
pub(crate) fn alone() -> Alone {
    Alone {}
}

#[cfg(not(feature = "std"))]
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
#[cfg(not(feature = "std"))]
thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });

#[cfg(not(feature = "std"))]
pub(crate) fn alone() -> Alone {
    let outermost = DEPTH.replace(DEPTH.get() + 1) == 0;
    Alone { _guard: outermost.then(|| ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner())) }
}

#[cfg(not(feature = "std"))]
impl Drop for Alone {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// How many random programs somebody asks for, and with which seed to begin.
pub(crate) const PROGRAMS: &str = "GIAMBIO_PROGRAMS";
pub(crate) const FIRST_PROGRAM: &str = "GIAMBIO_FIRST_PROGRAM";

/// The seeds of random programs to try: a few in every test run, many where somebody asks for them.
pub(crate) fn seeds(few: u64) -> std::ops::Range<u64> {
    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let first = number(FIRST_PROGRAM).unwrap_or(0);
    first..first + number(PROGRAMS).unwrap_or(few)
}

/// A million; less where the suite runs once more, with fewer features or for a sanitizer, which is to find other things.
pub(crate) fn a_million() -> u32 {
    if cfg!(all(feature = "std", feature = "hooks", not(giambio_no_spare))) { 1_000_000 } else { 100_000 }
}

/// Runs `main` to its end in a world where waiting takes no time.
#[track_caller]
pub(crate) fn run_virtual<F: Future>(main: F) -> F::Output {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let mut runtime = pin!(Runtime::new(&clock, main));
    finish(runtime.as_mut(), &clock)
}

/// Each count and mark that the core keeps of scopes and tasks equals a recount; between turns. `is_tame`: the code pauses
/// no nursery, and has no foreign wakers that drop what they are to wake.
#[cfg(feature = "alloc")]
pub(crate) fn audit<F: Future, C: Clock, D: Debugger>(
    runtime: Pin<&mut Runtime<F, C, D>>,
    is_tame: bool,
) -> Result<(), String> {
    let wrong = |(what, kept, counted)| format!("{what}: {kept} is kept, {counted} were counted");
    runtime.as_ref().__audit(is_tame).map_err(wrong)
}

/// Turns until the end, the clock jumping to the next deadline whenever all tasks wait.
#[track_caller]
pub(crate) fn finish<F: Future, C: Clock, D: Debugger, const HZ: u64>(
    mut runtime: Pin<&mut Runtime<F, C, D>>,
    clock: &VirtualClock<HZ>,
) -> F::Output {
    let mut turns = 0;
    let mut wait = |until| {
        turns += 1;
        assert!(turns < TURNS, "no end in sight after {TURNS} turns");
        let before = clock.now();
        match until {
            Until::Now => {}
            Until::At(tick) => {
                assert!(before < tick, "turn {turns} wants to wait until {tick:?}, which is past");
                clock.advance_to(tick);
            }
            Until::OnWake => panic!("deadlock in turn {turns} at {before:?}: all tasks wait, for no timer"),
        }
    };
    loop {
        wait(match runtime.as_mut().turn() {
            Next::Finished(value) => return value,
            Next::Now => Until::Now,
            Next::At(tick) => Until::At(tick),
            Next::OnWake => Until::OnWake,
        });
    }
}

/// Turns until all tasks wait, the clock standing still.
#[track_caller]
pub(crate) fn settle<F: Future, C: Clock, D: Debugger>(mut runtime: Pin<&mut Runtime<F, C, D>>) -> Next<F::Output> {
    for _ in 0..TURNS {
        match runtime.as_mut().turn() {
            Next::Now => {}
            next => return next,
        }
    }
    panic!("the tasks never came to rest in {TURNS} turns")
}

/// Runs `main` in an executor that isn't ours, which polls only after a wake.
#[track_caller]
pub(crate) fn run_foreign<F: Future>(main: F) -> F::Output {
    let _alone = alone();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut main = pin!(main);
    woken.wake_by_ref();
    while woken.take() > 0 {
        if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
    }
    panic!("deadlock: the future is pending, and nobody woke the foreign executor")
}

/// On a thread of its own: a test that hangs inside the core fails.
pub(crate) fn in_time<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(f());
    });
    receiver.recv_timeout(secs(20)).expect("it hangs, or has panicked")
}

/// Runs `f` on a thread with room for deep recursion in an unoptimised build.
pub(crate) fn on_big_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(f).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Woken(AtomicU32);

impl Woken {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let woken = Arc::new(Self::default());
        let waker = Waker::from(woken.clone());
        (woken, waker)
    }
    /// How many wakes since the last look.
    pub(crate) fn take(&self) -> u32 {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll_with_nobody<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls once, with the waker of the task that awaits this.
pub(crate) async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

// ------------------------------------------------------------------------------------- time

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The time since the virtual clock's start.
pub(crate) fn now() -> Duration {
    Duration::from_nanos(clock().as_nanos())
}

// ---------------------------------------------------------------------------------- observing

/// What happened, in order.
#[derive(Debug, Default)]
pub(crate) struct Log(RefCell<Vec<String>>);

impl Log {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn add(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }
    /// Adds the text with the time in whole seconds before it.
    pub(crate) fn at(&self, what: &str) {
        self.add(format!("{} {what}", now().as_secs_f64()));
    }
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
    pub(crate) fn has(&self, what: &str) -> bool {
        self.0.borrow().iter().any(|line| line == what)
    }
    /// A value that logs when it is dropped.
    pub(crate) fn on_drop<'a>(&'a self, what: &'static str) -> OnDrop<impl FnOnce() + 'a> {
        on_drop(move || self.add(what))
    }
}

/// Does something when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

pub(crate) fn on_drop<F: FnOnce()>(f: F) -> OnDrop<F> {
    OnDrop(Some(f))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Counts objects: how many were made, how many are left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live(Rc<(Cell<u64>, Cell<u64>)>);

impl Live {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn object(&self) -> Object {
        self.0.0.set(self.0.0.get() + 1);
        self.0.1.set(self.0.1.get() + 1);
        Object { live: self.clone(), dropped: Cell::new(false) }
    }
    pub(crate) fn made(&self) -> u64 {
        self.0.0.get()
    }
    pub(crate) fn left(&self) -> u64 {
        self.0.1.get()
    }
}

/// One counted object, which notices being dropped twice.
#[derive(Debug)]
pub(crate) struct Object {
    live: Live,
    dropped: Cell<bool>,
}

impl Drop for Object {
    fn drop(&mut self) {
        assert!(!self.dropped.replace(true), "an object was dropped twice");
        self.live.0.1.set(self.live.0.1.get() - 1);
    }
}

// ----------------------------------------------------------------------------------- waiting

/// Something that happens once, and that tasks wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event(Rc<EventState>);

#[derive(Debug, Default)]
struct EventState {
    set: Cell<bool>,
    next: Cell<u64>,
    waiters: RefCell<VecDeque<(u64, Waker)>>,
}

impl Event {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn is_set(&self) -> bool {
        self.0.set.get()
    }
    /// Wakes all waiters, in the order in which they came.
    pub(crate) fn set(&self) {
        self.0.set.set(true);
        self.wake();
    }
    /// Wakes all waiters for nothing.
    pub(crate) fn wake(&self) {
        let waiters: Vec<_> = self.0.waiters.borrow().iter().cloned().collect();
        for (_, waker) in waiters {
            waker.wake();
        }
    }
    pub(crate) fn waiters(&self) -> usize {
        self.0.waiters.borrow().len()
    }
    pub(crate) fn wait(&self) -> EventWait {
        let number = self.0.next.replace(self.0.next.get() + 1);
        EventWait { event: self.clone(), number }
    }
}

#[derive(Debug)]
pub(crate) struct EventWait {
    event: Event,
    number: u64,
}

impl Future for EventWait {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let go = ready!(poll_proceed(cx));
        if self.event.is_set() {
            go.made_progress();
            return Poll::Ready(());
        }
        let mut waiters = self.event.0.waiters.borrow_mut();
        match waiters.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => waiters.push_back((self.number, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for EventWait {
    fn drop(&mut self) {
        self.event.0.waiters.borrow_mut().retain(|(number, _)| *number != self.number);
    }
}

/// Values for one receiver.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox<T>(Rc<MailboxState<T>>);

#[derive(Debug)]
struct MailboxState<T> {
    values: RefCell<VecDeque<T>>,
    receiver: RefCell<Option<Waker>>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Self {
        Mailbox(Rc::new(MailboxState { values: RefCell::new(VecDeque::new()), receiver: RefCell::new(None) }))
    }
    pub(crate) fn send(&self, value: T) {
        self.0.values.borrow_mut().push_back(value);
        let receiver = self.0.receiver.borrow_mut().take();
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }
    pub(crate) async fn receive(&self) -> T {
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            if let Some(value) = self.0.values.borrow_mut().pop_front() {
                go.made_progress();
                return Poll::Ready(value);
            }
            *self.0.receiver.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// As a full channel or a socket with data: always ready.
pub(crate) async fn always_ready() {
    poll_fn(poll_proceed).await.made_progress();
}

/// Never ready; leaves the waker of each of its polls behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakers(Rc<RefCell<Vec<Waker>>>);

impl Wakers {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn polls(&self) -> usize {
        self.0.borrow().len()
    }
    pub(crate) fn last(&self) -> Waker {
        self.0.borrow().last().expect("it was polled").clone()
    }
    /// Fires all that were kept.
    pub(crate) fn fire(&self) {
        let wakers = self.0.borrow().clone();
        for waker in wakers {
            waker.wake_by_ref();
            waker.wake();
        }
    }
    pub(crate) async fn wait<T>(&self) -> T {
        poll_fn(|cx| {
            self.0.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// Yields without asking the core: as a future of another library does.
pub(crate) async fn foreign_yield() {
    let mut polled = false;
    poll_fn(|cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Never ready, and doesn't ask the core.
pub(crate) async fn forever<T>() -> T {
    std::future::pending().await
}

// -------------------------------------------------------------------------------- combinators

/// A hostile future: panics if it is polled or dropped elsewhere than where it was polled first.
pub(crate) struct NoMove<F> {
    at: Cell<usize>,
    inner: RefCell<Pin<Box<F>>>,
    _pinned: PhantomPinned,
}

impl<F: Future> NoMove<F> {
    pub(crate) fn new(inner: F) -> Self {
        NoMove { at: Cell::new(0), inner: RefCell::new(Box::pin(inner)), _pinned: PhantomPinned }
    }
}

impl<F: Future> Future for NoMove<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.as_ref().get_ref();
        let here = std::ptr::from_ref(this).addr();
        if this.at.get() == 0 {
            this.at.set(here);
        }
        assert_eq!(this.at.get(), here, "a future was moved after its first poll");
        this.inner.borrow_mut().as_mut().poll(cx)
    }
}

impl<F> Drop for NoMove<F> {
    fn drop(&mut self) {
        let here = std::ptr::from_ref(self).addr();
        if self.at.get() != 0 && !std::thread::panicking() {
            assert_eq!(self.at.get(), here, "a future was moved before it was dropped");
        }
    }
}

/// Counts the polls of what is inside.
pub(crate) struct Counted<'a, F> {
    polls: &'a Cell<u32>,
    inner: Pin<Box<F>>,
}

pub(crate) fn counted<F: Future>(polls: &Cell<u32>, inner: F) -> Counted<'_, F> {
    Counted { polls, inner: Box::pin(inner) }
}

impl<F: Future> Future for Counted<'_, F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.inner.as_mut().poll(cx)
    }
}

/// Skips polling what is inside while the door is shut, though it be woken.
pub(crate) struct Pausing<'a, F> {
    open: &'a Cell<bool>,
    inner: Pin<Box<F>>,
}

pub(crate) fn pausing<F: Future>(open: &Cell<bool>, inner: F) -> Pausing<'_, F> {
    Pausing { open, inner: Box::pin(inner) }
}

impl<F: Future> Future for Pausing<'_, F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.open.get() { self.inner.as_mut().poll(cx) } else { Poll::Pending }
    }
}

// ------------------------------------------------------------------------------------- chance

/// Numbers from a seed (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

// ----------------------------------------------------------------------------------- allocator

/// Counts the bytes that a thread has allocated and not freed yet.
pub(crate) struct CountingAlloc;

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

impl CountingAlloc {
    /// Bytes that this thread has allocated and not freed.
    pub(crate) fn bytes() -> isize {
        BYTES.get()
    }
    /// How often this thread has allocated.
    pub(crate) fn calls() -> u64 {
        CALLS.get()
    }
    fn count(bytes: isize) {
        // Fails only while the thread ends.
        let _ = BYTES.try_with(|all| all.set(all.get() + bytes));
        if bytes > 0 {
            let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        }
    }
}

// SAFETY: all work is the system allocator's; the counters don't allocate.
unsafe impl std::alloc::GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        Self::count(layout.size() as isize);
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { std::alloc::System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: std::alloc::Layout) {
        Self::count(-(layout.size() as isize));
        // SAFETY: as above; `ptr` came from `System`.
        unsafe { std::alloc::System.dealloc(ptr, layout) }
    }
}
