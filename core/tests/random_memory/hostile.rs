//! Programs in which everybody's code does what it likes, whenever the core comes to it: wakers that are cloned, woken or
//! dropped, in other tests also the clock, the debugger and the destructors of results, errors and of what panics carry.
//! Each of them drops other programs, polls them, adds some, fires wakers, and panics.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Once;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::time::Duration;

use giambio_core::{
    CancelScope, Clock, Debugger, Event, Next, Runtime, Tick, VirtualClock, cancel_scope, clock, finally, in_runtime,
    nursery, sleep,
};

use crate::code::{Code, Way};
use crate::common::{Rng, audit, on_drop};
use crate::maker::make_apart;
use crate::real::{Boom, Failure, MISCHIEF, Run, World, run};

/// Who does mischief.
#[derive(Clone, Copy)]
struct Hostile {
    /// Not the wakers alone.
    all: bool,
    panics: bool,
}

/// Programs that anybody may get at, but for one that is being polled: it isn't there then.
struct Victims {
    programs: RefCell<Vec<Option<Run<'static>>>>,
    world: Rc<World>,
    rng: RefCell<Rng>,
    /// How deep in wakers that poll programs whose wakers…
    depth: Cell<u32>,
    panics: bool,
}

thread_local! {
    static VICTIMS: RefCell<Option<Rc<Victims>>> = const { RefCell::new(None) };
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
            ended => {
                quietly(|| drop(program));
                quietly(|| drop(ended));
            }
        }
    }

    fn drop_one(&self) {
        if let Some((_, program)) = self.take() {
            quietly(|| drop(program));
        }
    }

    fn add_one(&self) {
        let i = self.below(4) as usize;
        let program = self.program();
        let old = self.programs.borrow_mut()[i].replace(program);
        quietly(|| drop(old));
    }

    /// A program that has what it borrows.
    fn program(&self) -> Run<'static> {
        // Dropping a foreign set stops at the first destructor that panics, and leaks the rest.
        let leaks = |code: &Code| matches!(code, Code::Set(_) | Code::Through(Way::Set, _));
        let mut code = make_apart(self.below(u64::MAX));
        while self.panics && code.any(&leaks) {
            code = make_apart(self.below(u64::MAX));
        }
        let world = self.world.clone();
        Box::pin(async move { run(&world, &code).await })
    }
}

/// Of a panic nothing goes on, whatever the destructor of what it carries adds.
fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    let mut result = catch_unwind(AssertUnwindSafe(f)).map(Some);
    while let Err(payload) = result {
        assert!(payload.is::<Boom>() || is_cut_short(&*payload), "not one of ours");
        result = catch_unwind(AssertUnwindSafe(|| drop(payload))).map(|()| None);
    }
    result.unwrap_or_default()
}

/// Programs are polled in a scope that is cancelled, and then elsewhere: those that it has cut short say so, too often to be
/// printed.
fn hush() {
    static HUSH: Once = Once::new();
    HUSH.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !is_cut_short(panic.payload()) {
                print(panic);
            }
        }));
    });
}

fn is_cut_short(payload: &(dyn Any + Send)) -> bool {
    let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    text.is_some_and(|text| text.starts_with("giambio: a future was polled on, by reference"))
}

/// What happens when the core comes to somebody's code.
fn act() {
    let Some(victims) = VICTIMS.with_borrow(Option::clone) else { return };
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

/// The same, but seldom: in calls that are many.
fn act_seldom() {
    if VICTIMS.with_borrow(Option::clone).is_some_and(|victims| victims.below(8) == 0) {
        act();
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

struct HostileClock<'t>(&'t VirtualClock, Hostile);

impl Clock for HostileClock<'_> {
    const HZ: u64 = VirtualClock::<1_000_000_000>::HZ;
    const LAG: u64 = 0;

    fn now(&self) -> Tick {
        if self.1.all {
            act_seldom();
        }
        self.0.now()
    }
}

struct HostileDebugger(Hostile);

impl Debugger for HostileDebugger {
    fn event(&self, event: Event<'_>) {
        act_seldom();
        // What it is told can be read, though the task may be gone.
        std::hint::black_box(format!("{event:?}"));
    }

    fn is_none(&self) -> bool {
        !self.0.all
    }
}

/// Polls, drops, adds and wakes at random, in a runtime whose main task goes on polling, beside tasks of its own.
fn torment(seed: u64, hostile: Hostile) {
    hush();
    let blocks = giambio_core::__census();
    let world = Rc::new(World::new(None, Some(Rng(seed))));
    let victims = Rc::new(Victims {
        programs: RefCell::new((0..4).map(|_| None).collect()),
        world: world.clone(),
        rng: RefCell::new(Rng(seed)),
        depth: Cell::new(0),
        panics: hostile.panics,
    });
    VICTIMS.set(Some(victims.clone()));
    MISCHIEF.set(hostile.all.then_some(act_seldom as fn()));
    let peace = on_drop(|| {
        MISCHIEF.set(None);
        VICTIMS.take();
    });
    let time: VirtualClock = VirtualClock::new();
    for _ in 0..4 {
        victims.add_one();
    }
    {
        let victims = &victims;
        let scope = cancel_scope(async |scope: CancelScope<'_, '_>| {
            let own = async |n: giambio_core::Nursery<'_, '_, Failure>| {
                for _ in 0..if hostile.all { 2 } else { 0 } {
                    n.spawn(victims.program());
                }
                std::future::poll_fn(|cx| {
                    match victims.below(40) {
                        0 => victims.drop_one(),
                        1 => victims.add_one(),
                        2 if seed.is_multiple_of(5) => scope.cancel(),
                        3 if hostile.all => {
                            let deadline = clock() + Duration::from_nanos(victims.below(1 << 32));
                            scope.set_deadline(Some(deadline));
                        }
                        _ => victims.poll_one(),
                    }
                    if victims.below(150) == 0 {
                        return Poll::Ready(());
                    }
                    cx.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                Ok(())
            };
            // Long enough for the deadline to pass after the scope was cancelled.
            finally(nursery(own), async || sleep(Duration::from_nanos(1 << 32)).await).await
        });
        let runtime = Runtime::new(HostileClock(&time, hostile), scope);
        let mut runtime = Box::pin(runtime.with_debugger(HostileDebugger(hostile)));
        for turns in 0.. {
            let next = quietly(|| runtime.as_mut().turn());
            let books = audit(runtime.as_mut(), false);
            // Who is woken by a waker that leads nowhere looks no more, and what is in it has not heard that it is cancelled.
            let unheard = ["a clean-up that has not begun", "idle in a cancelled nursery"];
            let is_unheard = |wrong: &String| unheard.iter().any(|book| wrong.starts_with(book));
            assert!(books.as_ref().err().is_none_or(is_unheard), "program {seed}: {books:?}");
            match next {
                // A panic of a waker that a timer fires comes out of the turn.
                None => break,
                Some(Next::Finished(ended)) => {
                    quietly(|| drop(ended));
                    break;
                }
                // A program may wait for what nobody does any more.
                Some(_) if turns > 10_000 => break,
                Some(_) => time.advance(Duration::from_nanos(victims.below(1 << 28))),
            }
        }
        // Half of them go with the runtime, the others after it.
        for _ in 0..2 {
            victims.drop_one();
        }
        quietly(|| drop(runtime));
    }
    quietly(|| world.make_noise());
    drop(peace);
    let left: Vec<_> = victims.programs.take();
    for program in left {
        quietly(|| drop(program));
    }
    assert_eq!(world.live.left(), 0, "objects are left of program {seed}");
    assert_eq!(world.arenas.used(), 0, "places are taken in program {seed}");
    assert_eq!(giambio_core::__census(), blocks, "control blocks are in use after program {seed}");
}

#[test]
fn wakers_that_drop_and_poll_other_programs_do_no_harm() {
    crate::seeds().for_each(|seed| torment(seed, Hostile { all: false, panics: false }));
}

#[test]
fn wakers_that_panic_do_no_harm() {
    crate::seeds().for_each(|seed| torment(seed, Hostile { all: false, panics: true }));
}

#[test]
fn clocks_debuggers_and_destructors_that_drop_and_poll_other_programs_do_no_harm() {
    crate::seeds().for_each(|seed| torment(seed, Hostile { all: true, panics: false }));
}

#[test]
fn clocks_debuggers_and_destructors_that_panic_do_no_harm() {
    crate::seeds().for_each(|seed| torment(seed, Hostile { all: true, panics: true }));
}
