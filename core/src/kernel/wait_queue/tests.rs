//! The queue against a model of two lists: who gets what, who is woken, and in which order, whatever wakers do meanwhile.

use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::vec::Vec;

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::future::Future;
use core::pin::{Pin, pin};

use super::{Access, Line, Local, Shared, Turn, WaitQueue, Waiting};

/// Random numbers of Marsaglia's xorshift.
struct Random(Cell<u64>);

impl Random {
    fn below(&self, end: usize) -> usize {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }
}

/// Permits that nobody was granted.
type Free = RefCell<VecDeque<u32>>;
/// Each permit has a number.
type Permits<K> = WaitQueue<Free, u32, K>;

/// To the first who waits, or to whoever comes.
fn put(free: &Free, line: &Line<u32>, permit: u32) -> Option<Waker> {
    line.grant(permit).unwrap_or_else(|permit| {
        free.borrow_mut().push_back(permit);
        None
    })
}

fn pass_on(free: &Free, line: &Line<u32>, late: Option<u32>) -> Option<Waker> {
    put(free, line, late?)
}

/// What one gets who was told something.
const NEWS: u32 = u32::MAX;

/// Waits for a permit, or, if news is enough, for that.
fn wait<K: Access>(queue: &Permits<K>, news_is_enough: bool) -> impl Future<Output = u32> {
    let take = move |free: &Free, _: &Line<u32>, turn| match turn {
        Turn::Granted(permit) => Some(permit),
        Turn::Told if news_is_enough => Some(NEWS),
        _ => free.borrow_mut().pop_front(),
    };
    Waiting::granted(queue, take, pass_on)
}

/// Where one who waits is, as the model has it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    /// Not in line.
    Away,
    Waits,
    /// All were told, and its waker has not been called yet.
    IsTold,
    Knows,
    Granted(u32),
}

const COUNT: usize = 6;

/// One who waits, or may begin to.
type Slot<'a> = RefCell<Option<Pin<Box<dyn Future<Output = u32> + 'a>>>>;

/// A queue, those who wait, and what has to become of them.
struct World<'a, K: Access> {
    queue: &'a Permits<K>,
    futures: [Slot<'a>; COUNT],
    states: [Cell<State>; COUNT],
    line: RefCell<Vec<usize>>,
    free: RefCell<VecDeque<u32>>,
    /// Who has to be woken next, by a grant.
    owed: Cell<Option<usize>>,
    permits: Cell<u32>,
    depth: Cell<u32>,
    random: Random,
}

std::thread_local! {
    /// What a wake does, while a world is there.
    static ON_WAKE: Cell<Option<*const dyn Fn(usize)>> = const { Cell::new(None) };
}

struct Actor(usize);

impl Wake for Actor {
    fn wake(self: Arc<Self>) {
        // SAFETY: who sets it takes it back before it dies.
        let on_wake = ON_WAKE.get().map(|on_wake| unsafe { &*on_wake });
        on_wake.unwrap()(self.0);
    }
}

impl<'a, K: Access> World<'a, K> {
    fn new(queue: &'a Permits<K>, seed: u64) -> Self {
        World {
            queue,
            futures: Default::default(),
            states: [const { Cell::new(State::Away) }; COUNT],
            line: RefCell::default(),
            free: RefCell::default(),
            owed: Cell::new(None),
            permits: Cell::new(0),
            depth: Cell::new(0),
            random: Random(Cell::new(seed)),
        }
    }

    fn state(&self, who: usize) -> State {
        self.states[who].get()
    }

    /// The first in line that is in one of these states.
    fn first(&self, states: &[State]) -> Option<usize> {
        self.line.borrow().iter().copied().find(|who| states.contains(&self.state(*who)))
    }

    fn leave_line(&self, who: usize) {
        self.line.borrow_mut().retain(|other| *other != who);
        self.states[who].set(State::Away);
    }

    fn put_in_model(&self, permit: u32) {
        match self.first(&[State::Waits, State::IsTold]) {
            None => self.free.borrow_mut().push_back(permit),
            Some(who) => {
                self.states[who].set(State::Granted(permit));
                assert_eq!(self.owed.replace(Some(who)), None);
            }
        }
    }

    /// A wake: was it due? Then more happens inside of it.
    fn on_wake(&self, who: usize) {
        match self.owed.take() {
            Some(owed) => assert_eq!(owed, who, "somebody else is woken for a grant"),
            None => {
                assert_eq!(self.first(&[State::IsTold]), Some(who), "woken out of turn");
                self.states[who].set(State::Knows);
            }
        }
        if self.depth.get() < 4 {
            for _ in 0..self.random.below(3) {
                self.step();
            }
        }
    }

    fn poll(&self, who: usize) {
        let Ok(mut future) = self.futures[who].try_borrow_mut() else { return };
        let news_is_enough = who.is_multiple_of(2);
        let future = future.get_or_insert_with(|| Box::pin(wait(self.queue, news_is_enough)));
        let state = self.state(who);
        let mut expected = match state {
            State::Granted(permit) => Some(permit),
            State::IsTold | State::Knows if news_is_enough => Some(NEWS),
            State::Waits => None,
            _ => self.free.borrow_mut().pop_front(),
        };
        if state != State::Waits {
            self.leave_line(who);
        }
        if expected.is_none() && state != State::Waits {
            self.line.borrow_mut().push(who);
            self.states[who].set(State::Waits);
        }
        if let Poll::Ready(got) = future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(Actor(who))))) {
            assert_eq!(expected.take(), Some(got), "{who} was {state:?}");
            // It is free for another one.
            if got != NEWS && self.random.below(2) == 0 {
                self.put(got);
            }
        }
        assert_eq!(expected, None, "{who} was {state:?}, and waits");
    }

    fn drop(&self, who: usize) {
        let Ok(mut future) = self.futures[who].try_borrow_mut() else { return };
        let state = self.state(who);
        self.leave_line(who);
        if let State::Granted(permit) = state {
            self.put_in_model(permit);
        }
        *future = None;
    }

    fn put(&self, permit: u32) {
        self.put_in_model(permit);
        if let Some(waker) = self.queue.with(|free, line| put(free, line, permit)) {
            waker.wake();
        }
    }

    fn tell_all(&self) {
        for state in self.states.iter().filter(|state| state.get() == State::Waits) {
            state.set(State::IsTold);
        }
        let is_anyone_told = self.first(&[State::IsTold]).is_some();
        let told = self.queue.tell_all(|_| ());
        assert!(told == is_anyone_told);
    }

    fn step(&self) {
        self.depth.set(self.depth.get() + 1);
        match self.random.below(8) {
            0..=3 => self.poll(self.random.below(COUNT)),
            4 => self.drop(self.random.below(COUNT)),
            5 | 6 => {
                self.permits.set(self.permits.get() + 1);
                self.put(self.permits.get());
            }
            _ => self.tell_all(),
        }
        self.depth.set(self.depth.get() - 1);
        if self.depth.get() == 0 {
            assert_eq!((self.owed.get(), self.first(&[State::IsTold])), (None, None), "somebody was not woken");
            let free = self.queue.with(|free, _| free.borrow().clone());
            assert_eq!(free, *self.free.borrow());
        }
    }
}

fn play<K: Access>() {
    for seed in 1..=300 {
        let queue = Permits::<K>::new(RefCell::default());
        let world = World::new(&queue, seed);
        let on_wake = |who| world.on_wake(who);
        // SAFETY: a longer life is made up for it, and it is taken back before it ends.
        let on_wake =
            unsafe { core::mem::transmute::<*const dyn Fn(usize), *const (dyn Fn(usize) + 'static)>(&on_wake) };
        ON_WAKE.set(Some(on_wake));
        (0..200).for_each(|_| world.step());
        (0..COUNT).for_each(|who| world.drop(who));
        ON_WAKE.set(None);
    }
}

#[test]
fn random_waiters_of_one_runtime_agree_with_a_model() {
    play::<Local>();
}

#[test]
fn random_waiters_of_everybody_agree_with_a_model() {
    play::<Shared>();
}

#[test]
fn a_grant_is_handed_on_until_somebody_comes_for_it() {
    let queue = Permits::<Local>::new(RefCell::default());
    let mut waiting: VecDeque<_> = (0..3).map(|_| Box::pin(wait(&queue, false))).collect();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.iter_mut().all(|wait| wait.as_mut().poll(&mut cx).is_pending()));
    drop(queue.with(|free, line| put(free, line, 7)));
    drop(waiting.pop_front());
    drop(waiting.pop_front());
    assert_eq!(waiting.pop_front().unwrap().as_mut().poll(&mut cx), Poll::Ready(7));
    assert!(queue.with(|free, _| free.borrow().is_empty()));
}

/// Waits on its thread until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}

#[test]
fn a_lock_that_is_made_of_it_lets_one_thread_in_at_a_time() {
    const ROUNDS: u32 = 2_000;
    static PERMITS: Permits<Shared> = WaitQueue::new(RefCell::new(VecDeque::new()));
    static INSIDE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    use std::sync::atomic::Ordering::Relaxed;
    drop(PERMITS.with(|free, line| put(free, line, 1)));
    let threads = [(); 4].map(|()| {
        std::thread::spawn(|| {
            for round in 0..ROUNDS {
                if round % 3 == 0 {
                    // Gives up, perhaps with the lock handed to it.
                    let mut wait = pin!(wait(&PERMITS, false));
                    if wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                        continue;
                    }
                } else {
                    assert_eq!(block_on(wait(&PERMITS, false)), 1);
                }
                assert_eq!(INSIDE.fetch_add(1, Relaxed), 0);
                INSIDE.fetch_sub(1, Relaxed);
                if let Some(waker) = PERMITS.with(|free, line| put(free, line, 1)) {
                    waker.wake();
                }
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(PERMITS.with(|free, _| free.borrow().len()), 1);
}

#[test]
fn who_waits_on_a_thread_is_told_there_and_nowhere_else() {
    std::thread_local!(static HERE: WaitQueue<(), Infallible, Local> = const { WaitQueue::new(()) });
    assert!(
        !core::mem::needs_drop::<WaitQueue<(), Infallible, Local>>(),
        "it is there in destructors of thread-locals"
    );
    let told = |(): &(), _: &_, turn| (turn == Turn::Told).then_some(());
    let mut here = pin!(Waiting::new(&HERE, told));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(here.as_mut().poll(&mut cx).is_pending());
    let is_told = || HERE.with(|queue| queue.tell_all(|()| ()));
    assert!(!std::thread::spawn(is_told).join().unwrap());
    assert!(here.as_mut().poll(&mut cx).is_pending());
    assert!(is_told() && !is_told());
    assert!(here.as_mut().poll(&mut cx).is_ready());
}

/// How much of something is left.
type Stock = WaitQueue<Cell<u32>, u32, Local>;

/// To the first in line, if there is as much as it asks for.
fn serve_first(stock: &Cell<u32>, line: &Line<u32>) -> Option<Waker> {
    loop {
        let ask = line.first_asks()?;
        stock.set(stock.get().checked_sub(ask)?);
        if let Ok(Some(waker)) = line.grant(ask) {
            return Some(waker);
        }
    }
}

fn wait_for(stock: &Stock, ask: u32) -> impl Future<Output = u32> {
    let take = move |stock: &Cell<u32>, line: &Line<u32>, turn| match turn {
        Turn::Granted(all) => Some(all),
        _ if line.is_waited_in() => None,
        _ => stock.get().checked_sub(ask).map(|left| {
            stock.set(left);
            ask
        }),
    };
    let pass_on = |stock: &Cell<u32>, line: &Line<u32>, late: Option<u32>| {
        stock.set(stock.get() + late.unwrap_or(0));
        serve_first(stock, line)
    };
    Waiting::asking(stock, ask, take, pass_on)
}

fn bring(stock: &Stock, more: u32) {
    let mut more = Some(more);
    stock.serve(|stock, line| {
        stock.set(stock.get() + more.take().unwrap_or(0));
        serve_first(stock, line)
    });
}

/// Calls in which the wakers come, by number.
fn wakers() -> (Arc<std::sync::Mutex<Vec<usize>>>, impl Fn(usize) -> Waker) {
    struct Note(Arc<std::sync::Mutex<Vec<usize>>>, usize);
    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().push(self.1);
        }
    }
    let woken = Arc::<std::sync::Mutex<Vec<usize>>>::default();
    (woken.clone(), move |number| Waker::from(Arc::new(Note(woken.clone(), number))))
}

#[test]
fn who_asks_for_much_holds_back_who_came_later_and_they_look_when_it_leaves() {
    let (woken, waker) = wakers();
    let stock = Stock::new(Cell::new(3));
    let mut waiting: Vec<_> = [5, 1, 1, 2].map(|ask| Some(Box::pin(wait_for(&stock, ask)))).into();
    for (number, wait) in waiting.iter_mut().enumerate() {
        let polled = wait.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker(number)));
        assert!(polled.is_pending());
    }
    bring(&stock, 1);
    assert!(woken.lock().unwrap().is_empty(), "there are 4, and 5 are asked for");
    waiting[0] = None;
    assert_eq!(*woken.lock().unwrap(), [1, 2, 3], "1, 1 and 2 of the 4");
    // The second goes without its 1, and the third keeps it waiting for nobody.
    waiting[1] = None;
    assert_eq!(stock.with(|stock, _| stock.get()), 1);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(waiting[3].as_mut().unwrap().as_mut().poll(&mut cx), Poll::Ready(2));
    assert_eq!(pin!(wait_for(&stock, 1)).poll(&mut cx), Poll::Ready(1), "what nobody waits for is anyone's");
    waiting[2] = None;
    assert_eq!(stock.with(|stock, _| stock.get()), 1, "a grant that nobody came for is back");
}

#[test]
fn all_whom_a_change_lets_go_are_woken_though_a_waker_panics() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker's");
        }
    }
    let (woken, waker) = wakers();
    let stock = Stock::new(Cell::new(0));
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(wait_for(&stock, 1))).collect();
    for (number, wait) in waiting.iter_mut().enumerate() {
        let waker = if number == 0 { Waker::from(Arc::new(Panics)) } else { waker(number) };
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let brought = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| bring(&stock, 3)));
    assert_eq!(brought.unwrap_err().downcast_ref(), Some(&"a waker's"));
    assert_eq!(*woken.lock().unwrap(), [1, 2]);
}
