//! Random programs that do what no sane one does: wake and drop handles from destructors, panic in
//! polls and destructors, forget handles, keep results that hold wakers, pause and move nurseries,
//! drop all of it half-way. Run it under AddressSanitizer, with `--cfg giambio_no_spare`. `GIAMBIO_PROGRAMS` says how many,
//! from the seed `GIAMBIO_FIRST_PROGRAM` on.
#![cfg(feature = "alloc")]
mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use common::*;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::*;

/// What all tasks of a program share.
#[derive(Debug)]
struct World {
    rng: RefCell<Rng>,
    wakers: RefCell<Vec<Waker>>,
    live: Live,
    room: Cell<u32>,
    quiet: Cell<bool>,
}

type Handles<'s, 'w> = Rc<RefCell<Vec<Task<'s, Mine<'w>>>>>;

impl World {
    fn below(&self, n: u64) -> u64 {
        self.rng.borrow_mut().below(n)
    }
    fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn wake_some(&self) {
        for _ in 0..self.below(3) {
            let len = self.wakers.borrow().len() as u64;
            if len > 0 {
                let waker = self.wakers.borrow()[self.below(len) as usize].clone();
                waker.wake();
            }
        }
    }
    fn keep(&self, waker: &Waker) {
        let mut wakers = self.wakers.borrow_mut();
        if wakers.len() < 50 {
            wakers.push(waker.clone());
        } else {
            let at = self.rng.borrow_mut().below(50) as usize;
            wakers[at] = waker.clone();
        }
    }
    /// A panic that prints nothing, unless one is under way.
    fn may_panic(&self, n: u64) {
        if !self.quiet.get() && !std::thread::panicking() && self.one_in(n) {
            resume_unwind(Box::new("chance"));
        }
    }
}

/// An object whose destructor wakes, and sometimes panics.
struct Mine<'w>(&'w World, #[allow(dead_code)] Object);

impl Drop for Mine<'_> {
    fn drop(&mut self) {
        self.0.wake_some();
        self.0.may_panic(200);
    }
}

/// Drops or forgets handles of siblings when it is dropped.
struct Spoiler<'s, 'w>(&'w World, Handles<'s, 'w>);

impl Drop for Spoiler<'_, '_> {
    fn drop(&mut self) {
        let handle = self.1.borrow_mut().pop();
        match (handle, self.0.below(4)) {
            (Some(handle), 0) => std::mem::forget(handle),
            (Some(handle), 1) => handle.cancel(),
            (handle, _) => drop(handle),
        }
    }
}

fn mine(world: &World) -> Mine<'_> {
    Mine(world, world.live.object())
}

async fn wait_for_chance(world: &World) {
    let mut polled = 0;
    poll_fn(|cx| {
        world.keep(cx.waker());
        world.wake_some();
        world.may_panic(300);
        polled += 1;
        if polled > 1 && world.one_in(2) {
            return Poll::Ready(());
        }
        if world.one_in(2) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

type Dyn<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>;

fn run_nursery<'w>(world: &'w World, depth: u64) -> Dyn<'w> {
    Box::pin(async move {
        let _mine = mine(world);
        nursery(async |n| {
            let handles: Handles<'_, 'w> = Rc::default();
            for _ in 0..world.below(5) {
                if world.room.get() == 0 {
                    break;
                }
                world.room.set(world.room.get() - 1);
                let spoiler = Spoiler(world, handles.clone());
                let handle = n.child().spawn_value(async move {
                    let _mine = mine(world);
                    let spoiler = spoiler;
                    code(world, depth).await;
                    if world.one_in(3) {
                        let taken = spoiler.1.borrow_mut().pop();
                        if let Some(taken) = taken {
                            let _ = taken.await;
                        }
                    }
                    if world.one_in(12) { Err(()) } else { Ok(mine(world)) }
                });
                match world.below(4) {
                    0 => drop(handle),
                    1 => std::mem::forget(handle),
                    _ => handles.borrow_mut().push(handle),
                }
            }
            code(world, depth).await;
            if world.one_in(4) {
                n.cancel_children();
            }
            let taken = handles.borrow_mut().pop();
            if let Some(taken) = taken {
                let _ = taken.await;
            }
            if world.one_in(2) {
                std::mem::forget(handles);
            }
            Ok(())
        })
        .await
    })
}

fn code<'w>(world: &'w World, depth: u64) -> Pin<Box<dyn Future<Output = ()> + 'w>> {
    Box::pin(async move {
        for _ in 0..world.below(3) {
            let _mine = mine(world);
            let next = if depth == 0 || world.room.get() == 0 { world.below(4) } else { world.below(11) };
            match next {
                0 => checkpoint().await,
                1 => wait_for_chance(world).await,
                2 => sleep(Duration::from_nanos(world.below(9))).await,
                3 => foreign_yield().await,
                4 | 5 => drop(run_nursery(world, depth - 1).await),
                6 => {
                    let _ = futures::join!(run_nursery(world, depth - 1), run_nursery(world, depth - 1));
                }
                7 => {
                    let mut all: FuturesUnordered<_> = (0..3).map(|_| run_nursery(world, depth - 1)).collect();
                    while all.next().await.is_some() {}
                }
                8 => {
                    let span = Duration::from_nanos(world.below(9));
                    let _ = move_on_after(span, run_nursery(world, depth - 1)).await;
                }
                9 => {
                    let shielded = shield(code(world, depth - 1));
                    let mut shielded = pin!(shielded);
                    let _ = move_on_after(Duration::from_nanos(3), shielded.as_mut()).await;
                }
                _ => {
                    // Polled a few times, then dropped.
                    let mut half = run_nursery(world, depth - 1);
                    for _ in 0..world.below(4) {
                        if poll_once(half.as_mut()).await.is_ready() {
                            break;
                        }
                        checkpoint().await;
                    }
                }
            }
        }
    })
}

#[test]
fn hostile_programs_touch_nothing_that_is_gone() {
    std::panic::set_hook(Box::new(|_| {}));
    let _alone = alone();
    for seed in seeds(2_000) {
        let world = World {
            rng: RefCell::new(Rng(seed)),
            wakers: RefCell::default(),
            live: Live::new(),
            room: Cell::new(60),
            // Without `std` no panic is caught.
            quiet: Cell::new(!cfg!(feature = "std") || seed % 3 == 0),
        };
        let clock = VirtualClock::<1_000_000_000>::new();
        let steps = 1 + world.below(200);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut runtime = pin!(Runtime::new(&clock, run_nursery(&world, 3)));
            for _ in 0..steps {
                let next = runtime.as_mut().turn();
                assert_eq!(audit(runtime.as_mut(), false), Ok(()), "seed {seed}");
                match next {
                    Next::Finished(_) => break,
                    Next::Wait(Until::Now) => {}
                    Next::Wait(Until::At(tick)) => clock.advance_to(tick),
                    Next::Wait(Until::OnWake) => world.wake_some(),
                }
            }
        }));
        world.quiet.set(true);
        world.wakers.borrow().iter().for_each(Waker::wake_by_ref);
        if let Err(panic) = result {
            assert!(panic.downcast_ref::<&str>() == Some(&"chance"), "seed {seed}");
        }
        assert!(!in_runtime(), "seed {seed}");
        assert_eq!(current_task(), None, "seed {seed}");
    }
}
