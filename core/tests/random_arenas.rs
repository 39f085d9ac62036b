//! Random programs in which several nurseries share one arena, beside each other and one in another, so that it is full
//! and empty again and again. What is refused finds it full, what is given was free, those who wait get their turn, and
//! at the end all places are free. Law NEVER-REUSED-UNDROPPED, and of NOTHING-LOST what concerns arenas.
//!
//! `GIAMBIO_PROGRAMS` says how many programs, `GIAMBIO_FIRST_PROGRAM` from which seed on.
mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::pin::pin;
use std::time::Duration;

use common::*;
use giambio_core::{
    Arena, Next, NurseryScope, Runtime, SpawnError, Until, VirtualClock, checkpoint, move_on_after, nursery_in, sleep,
};

const PLACES: usize = 3;
type Shared = Arena<PLACES, 512>;
static ARENA: Shared = Arena::new();

struct World {
    rng: RefCell<Rng>,
    /// Children that have begun and not ended. Each has a place.
    live: Cell<usize>,
    /// Where their code was.
    places: RefCell<BTreeSet<usize>>,
    /// Who waits for room: numbers, the smallest has waited longest.
    waiting: RefCell<BTreeSet<u64>>,
    next: Cell<u64>,
    was_full: Cell<bool>,
    seen: Seen,
}

/// How often what happened.
#[derive(Default)]
struct Seen {
    began: Cell<u32>,
    refused: Cell<u32>,
    served_after_a_wait: Cell<u32>,
    gave_up: Cell<u32>,
    full: Cell<u32>,
    empty_again: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

impl World {
    fn below(&self, n: u64) -> u64 {
        self.rng.borrow_mut().below(n)
    }

    fn nap(&self) -> Duration {
        Duration::from_nanos(self.below(1_000))
    }

    /// What holds at any time.
    fn look(&self) {
        assert!(self.live.get() <= ARENA.used(), "{} children in {} places", self.live.get(), ARENA.used());
        assert!(ARENA.used() <= PLACES, "{} places are taken", ARENA.used());
        if ARENA.used() == PLACES && !self.was_full.replace(true) {
            count(&self.seen.full);
        }
        if ARENA.used() == 0 && self.was_full.replace(false) {
            count(&self.seen.empty_again);
        }
    }
}

/// A child that has begun, until its code is dropped.
struct Alive<'a>(&'a World);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.live.set(self.0.live.get() - 1);
        self.0.look();
    }
}

/// One who waits, until it is served or dropped.
struct Waiting<'a>(&'a World, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.0.waiting.borrow_mut().remove(&self.1) {
            count(&self.0.seen.gave_up);
        }
    }
}

/// Sleeps, sometimes opens a nursery of its own in the same arena, fails, or has much time.
async fn child(world: &World, depth: u32) -> Result<(), ()> {
    world.live.set(world.live.get() + 1);
    let alive = Alive(world);
    world.look();
    count(&world.seen.began);
    world.places.borrow_mut().insert(black_box(&raw const alive).addr());
    sleep(world.nap()).await;
    match world.below(8) {
        0 => return Err(()),
        1 => sleep(world.nap() * 5).await,
        2 => checkpoint().await,
        // It has a place and must not wait for another: that may be a deadlock, of the program's own.
        3 | 4 if depth > 0 => Box::pin(customer(world, depth - 1, false)).await,
        _ => {}
    }
    Ok(())
}

/// A nursery in the arena, in which children come and go; sometimes it is cancelled.
async fn customer(world: &World, depth: u32, may_wait: bool) {
    let patience = if world.below(3) == 0 { world.nap() * 3 } else { Duration::from_secs(1) };
    let all = nursery_in::<PLACES, 512, _, (), _>(&ARENA, async |n| {
        let mut kept = None;
        for _ in 0..world.below(8) {
            if may_wait && world.below(2) == 0 {
                // Who holds a place by a handle must not wait for another.
                kept = None;
                wait(world, n, depth).await;
            } else {
                let used = ARENA.used();
                match n.try_spawn(child(world, depth)) {
                    Ok(task) => {
                        assert_eq!(ARENA.used(), used + 1, "one more is taken");
                        kept = (world.below(2) == 0).then_some(task);
                    }
                    Err(SpawnError::Full { capacity, future }) => {
                        assert_eq!((used, capacity), (PLACES, PLACES), "what is refused finds it full");
                        count(&world.seen.refused);
                        drop(future);
                    }
                    Err(_) => {}
                }
            }
            if world.below(3) == 0 {
                sleep(world.nap()).await;
            }
            if world.below(20) == 0 {
                n.cancel_children();
            }
        }
        drop(kept);
        Ok(())
    });
    let _ = move_on_after(patience, all).await;
}

/// Waits for room. Nobody who came later may be served before by more than there are places: these are given in order.
async fn wait<'scope, 'env: 'scope>(
    world: &'env World,
    n: &'scope NurseryScope<'scope, 'env, (), &'static Shared>,
    depth: u32,
) {
    let waiting = Waiting(world, world.next.replace(world.next.get() + 1));
    let has_to = ARENA.used() == PLACES;
    world.waiting.borrow_mut().insert(waiting.1);
    drop(n.spawn_wait(child(world, depth)).await);
    let before = world.waiting.borrow().range(..waiting.1).count();
    assert!(before < PLACES, "{before} who came earlier still wait");
    world.waiting.borrow_mut().remove(&waiting.1);
    if has_to {
        count(&world.seen.served_after_a_wait);
    }
}

fn check(seed: u64) -> Seen {
    let world = World {
        rng: RefCell::new(Rng(seed)),
        live: Cell::new(0),
        places: RefCell::default(),
        waiting: RefCell::default(),
        next: Cell::new(0),
        was_full: Cell::new(false),
        seen: Seen::default(),
    };
    let clock: VirtualClock = VirtualClock::new();
    {
        let customers = (0..1 + seed % 4).map(|_| async {
            for _ in 0..1 + world.below(3) {
                customer(&world, 2, true).await;
            }
        });
        let mut runtime = pin!(Runtime::new(&clock, futures::future::join_all(customers)));
        // Half of the programs are dropped half-way.
        let steps = if seed.is_multiple_of(2) { u64::MAX } else { world.below(40) };
        for _ in 0..steps {
            let next = runtime.as_mut().turn();
            #[cfg(feature = "alloc")]
            assert_eq!(audit(runtime.as_mut(), true), Ok(()));
            world.look();
            match next {
                Next::Finished(_) => break,
                Next::Wait(Until::Now) => {}
                Next::Wait(Until::At(tick)) => clock.advance_to(tick),
                Next::Wait(Until::OnWake) => panic!("deadlock: {} wait for room", world.waiting.borrow().len()),
            }
        }
    }
    assert_eq!((world.live.get(), ARENA.used()), (0, 0), "children alive, places taken");
    assert!(world.waiting.borrow().is_empty());
    let (began, places) = (world.seen.began.get(), world.places.borrow().len());
    assert!(places <= PLACES, "{began} children were in {places} places");
    world.seen
}

#[test]
fn nurseries_that_share_an_arena_fill_and_empty_it_and_leave_all_places_free() {
    let _alone = alone();
    let sum = Seen::default();
    let programs = seeds(1_000);
    for seed in programs.clone() {
        let seen = std::panic::catch_unwind(|| check(seed)).unwrap_or_else(|_| panic!("program {seed}"));
        for (sum, seen) in sum.all().into_iter().zip(seen.all()) {
            sum.set(sum.get() + seen.get());
        }
    }
    let sums = sum.all().map(Cell::get);
    let few = (programs.end - programs.start) * 2 / 5;
    assert!(sums.iter().all(|sum| u64::from(*sum) > few), "too little happened: {sums:?}");
}

impl Seen {
    fn all(&self) -> [&Cell<u32>; 6] {
        [&self.began, &self.refused, &self.served_after_a_wait, &self.gave_up, &self.full, &self.empty_again]
    }
}
