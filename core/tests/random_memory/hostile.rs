//! Programs polled with wakers that do what they like, whenever the core touches them: drop other
//! programs, poll them, cancel, fire wakers, panic.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use giambio_core::{Canceller, Next, Runtime, VirtualClock, cancel_scope, in_runtime};

use crate::code::{Code, Way};
use crate::common::{Rng, audit, on_drop, step};
use crate::maker::make;
use crate::real::{Boom, Run, World, run};

/// Programs that wakers may get at, but for one that is being polled: it isn't there then.
struct Victims {
    programs: RefCell<Vec<Option<Run<'static>>>>,
    world: &'static World,
    rng: RefCell<Rng>,
    /// How deep in wakers that poll programs whose wakers…
    depth: Cell<u32>,
    panics: bool,
}

thread_local! {
    static VICTIMS: Cell<Option<&'static Victims>> = const { Cell::new(None) };
}

impl Victims {
    fn below(&self, n: u64) -> u64 {
        self.rng.borrow_mut().below(n)
    }

    fn take(&self) -> Option<(usize, Run<'static>)> {
        let mut programs = self.programs.borrow_mut();
        let i = self.rng.borrow_mut().below(programs.len() as u64) as usize;
        Some((i, programs[i].take()?))
    }

    /// Polls some program; what it panics with ends here.
    fn poll_one(&self) {
        // Outside of a turn there is no clock, and a sleep would say so.
        if !in_runtime() {
            return;
        }
        let Some((i, mut program)) = self.take() else { return };
        let poll = quietly(|| program.as_mut().poll(&mut Context::from_waker(&waker())));
        match poll {
            Some(Poll::Pending) => {
                // Somebody may have put another one there meanwhile.
                let old = self.programs.borrow_mut()[i].replace(program);
                quietly(|| drop(old));
            }
            _ => drop(quietly(|| drop(program))),
        }
    }

    fn drop_one(&self) {
        if let Some((_, program)) = self.take() {
            quietly(|| drop(program));
        }
    }

    fn add_one(&self) {
        // Dropping a foreign set stops at the first destructor that panics, and leaks the rest.
        let leaks = |code: &Code| matches!(code, Code::Set(_) | Code::Through(Way::Set, _));
        let mut code = make(self.below(u64::MAX));
        while self.panics && code.any(&leaks) {
            code = make(self.below(u64::MAX));
        }
        let program = run(self.world, Box::leak(Box::new(code)));
        let i = self.below(4) as usize;
        let old = self.programs.borrow_mut()[i].replace(program);
        quietly(|| drop(old));
    }
}

fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).inspect_err(|payload| assert!(payload.is::<Boom>(), "not one of ours")).ok()
}

/// What happens when a waker is touched.
fn act() {
    let Some(victims) = VICTIMS.get() else { return };
    if victims.depth.get() > 3 {
        return;
    }
    victims.depth.set(victims.depth.get() + 1);
    match victims.below(24) {
        0 => victims.drop_one(),
        1..4 => victims.poll_one(),
        4 => victims.add_one(),
        5 | 6 => victims.world.make_noise(),
        _ => {}
    }
    let panics = victims.panics && victims.below(60) == 0 && !std::thread::panicking();
    victims.depth.set(victims.depth.get() - 1);
    if panics {
        resume_unwind(Box::new(Boom(0)));
    }
}

fn waker() -> Waker {
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            act();
            RawWaker::new(data, &TABLE)
        },
        |_| act(),
        |_| act(),
        |_| act(),
    );
    // SAFETY: it owns nothing, and touches only what its thread has.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

/// Polls, drops, adds and wakes at random, in a runtime whose main task goes on polling.
fn torment(seed: u64, panics: bool) {
    let world: &'static World = Box::leak(Box::new(World::new(None, Some(Rng(seed)))));
    let victims: &'static Victims = Box::leak(Box::new(Victims {
        programs: RefCell::new((0..4).map(|_| None).collect()),
        world,
        rng: RefCell::new(Rng(seed)),
        depth: Cell::new(0),
        panics,
    }));
    VICTIMS.set(Some(victims));
    let _peace = on_drop(|| VICTIMS.set(None));
    let time: VirtualClock = VirtualClock::new();
    for _ in 0..4 {
        victims.add_one();
    }
    {
        let scope = cancel_scope(async |scope: Canceller<'_, '_>| {
            std::future::poll_fn(|cx| {
                match victims.below(40) {
                    0 => victims.drop_one(),
                    1 => victims.add_one(),
                    2 if seed.is_multiple_of(5) => scope.cancel(),
                    _ => victims.poll_one(),
                }
                if victims.below(150) == 0 {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await
        });
        let mut runtime = pin!(Runtime::new(&time, scope));
        loop {
            let next = quietly(|| step(runtime.as_mut()));
            assert_eq!(audit(runtime.as_mut(), false), Ok(()), "program {seed}");
            match next {
                // A panic of a waker that a timer fires comes out of the turn.
                None | Some(Next::Finished(_)) => break,
                Some(_) => time.advance(std::time::Duration::from_nanos(victims.below(1 << 28))),
            }
        }
        // Half of them go with the runtime, the others after it.
        for _ in 0..2 {
            victims.drop_one();
        }
    }
    quietly(|| world.make_noise());
    VICTIMS.set(None);
    let left: Vec<_> = victims.programs.take();
    for program in left {
        quietly(|| drop(program));
    }
    assert_eq!(world.live.left(), 0, "objects are left of program {seed}");
    assert_eq!(world.arenas.used(), 0, "places are taken in program {seed}");
}

#[test]
fn wakers_that_drop_and_poll_other_programs_do_no_harm() {
    for seed in 0..crate::how_many() {
        torment(seed, false);
    }
}
#[test]
fn wakers_that_panic_do_no_harm() {
    for seed in 0..crate::how_many() {
        torment(seed, true);
    }
}
