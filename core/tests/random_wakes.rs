//! Who is polled when (law FAIR): tasks in a tree of nurseries wake each other at random, spawn
//! siblings and end, and a reference of one queue a nursery says whose turn it must be.
//!
//! The reference: a wake puts a task at the end of its nursery's queue, unless it is in it; a
//! nursery whose queue is no longer empty, and which isn't being polled, does the same with the task
//! it is in, and so on up; one that has been polled and still has a queue is queued again. In a pass a nursery polls what is
//! queued when it begins. It makes another one within the same poll only while nobody else is queued.
#![cfg(feature = "alloc")]

mod common;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Poll, Waker};

use common::*;
use giambio_core::{Debugger, Next, NoDebugger, Nursery, Runtime, Until, VirtualClock, nursery};

type Id = usize;

/// What the scheduler must do.
#[derive(Default)]
struct Reference {
    /// The task in which a nursery is, if it isn't the main task.
    around: HashMap<Id, Id>,
    nursery_of: HashMap<Id, Id>,
    queues: HashMap<Id, VecDeque<Id>>,
    /// Nurseries that are being polled, and how many their pass still takes, if one has begun.
    polling: HashMap<Id, Option<usize>>,
}

impl Reference {
    fn spawned(&mut self, task: Id, nursery: Id) {
        self.nursery_of.insert(task, nursery);
        self.woken(task);
    }

    fn woken(&mut self, mut task: Id) {
        // A task that is over has no nursery any more.
        while let Some(&nursery) = self.nursery_of.get(&task) {
            let queue = self.queues.entry(nursery).or_default();
            if queue.contains(&task) {
                return;
            }
            queue.push_back(task);
            if queue.len() > 1 || self.polling.contains_key(&nursery) {
                return;
            }
            match self.around.get(&nursery) {
                Some(outer) => task = *outer,
                None => return,
            }
        }
    }

    fn polled(&mut self, task: Id) {
        let nursery = self.nursery_of[&task];
        let queued = |nursery| self.queues.get(nursery).map_or(0, VecDeque::len);
        let ready = queued(&nursery);
        let left = match self.polling[&nursery] {
            None => ready,
            Some(0) => {
                let others = self.polling.keys().find(|other| **other != nursery && queued(other) > 0);
                assert_eq!(others, None, "nursery {nursery} makes another pass, though that one has a queue");
                ready
            }
            Some(left) => left,
        };
        self.polling.insert(nursery, Some(left - 1));
        let queue = self.queues.get_mut(&nursery).expect("it has a queue");
        assert_eq!(queue.pop_front(), Some(task), "it isn't its turn; after it come {queue:?}");
    }

    fn over(&mut self, task: Id) {
        let nursery = self.nursery_of.remove(&task).expect("it was there");
        // Woken for nothing: its place in the queue is skipped.
        self.queues.entry(nursery).or_default().retain(|other| *other != task);
    }

    fn nursery_begins(&mut self, nursery: Id) {
        self.polling.insert(nursery, None);
    }

    fn nursery_ends(&mut self, nursery: Id, is_over: bool) {
        self.polling.remove(&nursery);
        let has_ready = self.queues.get(&nursery).is_some_and(|queue| !queue.is_empty());
        // One that has nothing left to do after its first poll suspends all the same, once.
        let suspends = !is_over && !self.nursery_of.values().any(|other| *other == nursery);
        if let Some(outer) = self.around.get(&nursery)
            && (has_ready || suspends)
        {
            self.woken(*outer);
        }
    }
}

struct World {
    reference: RefCell<Reference>,
    rng: RefCell<Rng>,
    wakers: RefCell<Vec<Option<Waker>>>,
    next: Cell<Id>,
    /// Tasks that are being polled and have a nursery in them.
    outside: RefCell<HashSet<Id>>,
    /// Which leaves were polled, in order.
    log: RefCell<Vec<Id>>,
    polls: Cell<u32>,
    in_turn: Cell<u32>,
}

const MANY_POLLS: u32 = 400;

impl World {
    fn below(&self, n: u64) -> u64 {
        self.rng.borrow_mut().below(n)
    }

    fn number(&self) -> Id {
        self.wakers.borrow_mut().push(None);
        self.next.replace(self.next.get() + 1)
    }

    /// Wakes somebody, who may be over, or not yet begun. But nobody who is being polled and may end in
    /// this poll: how long a name stays in a queue whose task is over is nobody's business.
    fn wake_someone(&self, but: Option<Id>) {
        let task = self.below(self.next.get() as u64) as Id;
        if Some(task) == but || self.outside.borrow().contains(&task) {
            return;
        }
        // Without `std` wakers have no generations: one of a task that is over may wake who has its place now.
        if !cfg!(feature = "std") && !self.reference.borrow().nursery_of.contains_key(&task) {
            return;
        }
        let waker = self.wakers.borrow()[task].clone();
        if let Some(waker) = waker {
            self.reference.borrow_mut().woken(task);
            waker.wake();
        }
    }

    fn polled(&self, task: Id, waker: &Waker) {
        self.reference.borrow_mut().polled(task);
        self.wakers.borrow_mut()[task] = Some(waker.clone());
        self.polls.set(self.polls.get() + 1);
        self.in_turn.set(self.in_turn.get() + 1);
    }
}

type Run<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>;

/// A task that wakes others whenever it is polled.
fn leaf<'scope, 'a: 'scope>(n: Nursery<'scope, 'a, ()>, world: &'a World, nursery: Id, task: Id) -> Run<'scope> {
    Box::pin(poll_fn(move |cx| {
        world.polled(task, cx.waker());
        world.log.borrow_mut().push(task);
        let ends = world.below(20) == 0 || world.polls.get() > MANY_POLLS;
        for _ in 0..world.below(4) {
            world.wake_someone(ends.then_some(task));
        }
        if world.polls.get() < MANY_POLLS && world.below(10) == 0 {
            spawn(n, world, nursery);
        }
        if ends {
            world.reference.borrow_mut().over(task);
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }))
}

fn spawn<'scope, 'a: 'scope>(n: Nursery<'scope, 'a, ()>, world: &'a World, nursery: Id) {
    let task = world.number();
    // In the order in which the core sees it.
    world.reference.borrow_mut().spawned(task, nursery);
    n.spawn(leaf(n, world, nursery, task));
}

/// A nursery with some tasks, and nurseries in some of them.
fn tree<'a>(world: &'a World, nursery_id: Id, depth: u32) -> Run<'a> {
    let inside = nursery(async move |n| {
        for _ in 0..1 + world.below(4) {
            if depth > 0 && world.below(3) == 0 {
                let (task, inner) = (world.number(), world.number());
                world.reference.borrow_mut().around.insert(inner, task);
                world.reference.borrow_mut().spawned(task, nursery_id);
                let mut inner = tree(world, inner, depth - 1);
                n.spawn(poll_fn(move |cx| {
                    world.polled(task, cx.waker());
                    world.outside.borrow_mut().insert(task);
                    let end = inner.as_mut().poll(cx);
                    world.outside.borrow_mut().remove(&task);
                    if end.is_ready() {
                        world.reference.borrow_mut().over(task);
                    }
                    end
                }));
            } else {
                spawn(n, world, nursery_id);
            }
        }
        Ok(())
    });
    let mut inside = Box::pin(inside);
    Box::pin(poll_fn(move |cx| {
        world.reference.borrow_mut().nursery_begins(nursery_id);
        let end = inside.as_mut().poll(cx);
        world.reference.borrow_mut().nursery_ends(nursery_id, end.is_ready());
        end
    }))
}

struct Onlooker;

impl Debugger for Onlooker {}

fn check(seed: u64, is_run: bool, debugger: impl Debugger) -> Vec<Id> {
    let world = World {
        reference: RefCell::default(),
        rng: RefCell::new(Rng(seed)),
        wakers: RefCell::default(),
        next: Cell::new(0),
        outside: RefCell::default(),
        log: RefCell::default(),
        polls: Cell::new(0),
        in_turn: Cell::new(0),
    };
    let clock: VirtualClock = VirtualClock::new();
    let root = world.number();
    let mut runtime = pin!(Runtime::new(&clock, tree(&world, root, (seed / 20 % 5) as u32)).with_debugger(debugger));
    // 64, and one for each nursery on the way down to the last.
    let new_turn = || {
        let polls = world.in_turn.replace(0);
        assert!(polls <= 64 + 6, "{polls} polls in one turn");
    };
    let mut wait = |until| {
        if until == Until::OnWake {
            assert!(world.reference.borrow().queues.values().all(VecDeque::is_empty), "somebody is ready");
            world.wake_someone(None);
        }
        new_turn();
    };
    let result = match is_run {
        true => runtime.run(&mut wait),
        false => loop {
            match runtime.as_mut().turn() {
                Next::Finished(result) => break result,
                Next::Wait(Until::At(_)) => unreachable!("there is no timer"),
                Next::Wait(until) => wait(until),
            }
        },
    };
    assert_eq!(result, Ok(()));
    world.log.take()
}

#[test]
fn random_wakes_are_answered_in_their_order() {
    let _alone = alone();
    // One takes as long as twenty of the others.
    for seed in seeds(6_000).step_by(20) {
        let check = |is_run, is_watched| {
            let order = std::panic::catch_unwind(|| match is_watched {
                true => check(seed, is_run, Onlooker),
                false => check(seed, is_run, NoDebugger),
            });
            order.unwrap_or_else(|_| panic!("seed {seed}, run: {is_run}, watched: {is_watched}"))
        };
        let order = check(true, false);
        assert_eq!(order, check(false, false), "seed {seed}: turns by hand poll in another order");
        assert_eq!(order, check(true, true), "seed {seed}: with a debugger another order");
    }
}
