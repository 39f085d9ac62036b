//! Runs a program in some surroundings, and compares it with the reference.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Wake;
#[cfg(feature = "std")]
use std::task::Waker;
use std::thread::Thread;
use std::time::Duration;

use giambio_core::{__census, Clock, Debugger, Next, Runtime, Tick, Until, VirtualClock, move_on_after};

use crate::code::Code;
use crate::common::{Rng, alone, audit};
use crate::model::{Event, How, NEVER, fate, suspending};
use crate::real::{Boom, Request, World, run, suspends};

/// What goes on around a program.
#[derive(Clone, Copy, Default)]
pub(crate) struct Surroundings {
    seed: u64,
    /// Wakers are fired for nothing, and the clock moves in steps.
    noise: bool,
    /// Tasks that want it are woken by other threads.
    threads: bool,
    /// Ready tasks are polled in an order chosen by chance, in every pass.
    #[cfg(feature = "std")]
    shuffled: bool,
    /// A debugger looks on.
    watched: bool,
}

/// A debugger, if it looks on.
pub(crate) struct Onlooker(pub(crate) bool);

impl Debugger for Onlooker {
    fn is_none(&self) -> bool {
        !self.0
    }
}

impl Surroundings {
    pub(crate) fn quiet() -> Self {
        Surroundings::default()
    }

    pub(crate) fn noisy(seed: u64) -> Self {
        Surroundings { seed, noise: true, ..Surroundings::default() }
    }

    #[cfg(feature = "std")]
    pub(crate) fn threads(seed: u64) -> Self {
        Surroundings { seed, noise: seed.is_multiple_of(3), threads: true, ..Surroundings::default() }
    }

    #[cfg(feature = "std")]
    pub(crate) fn shuffled(seed: u64) -> Self {
        let (noise, watched) = (seed.is_multiple_of(3), seed & 4 != 0);
        Surroundings { seed, noise, shuffled: true, watched, ..Surroundings::default() }
    }

    fn runtime<F: Future, C: Clock>(self, clock: C, main: F) -> Runtime<F, C, Onlooker> {
        let runtime = Runtime::new(clock, main).with_debugger(Onlooker(self.watched));
        #[cfg(feature = "std")]
        let runtime = runtime.__seed(self.shuffled.then_some(self.seed));
        runtime
    }

    fn world(self) -> World {
        World::new(self.threads.then(helper), self.noise.then_some(Rng(self.seed)))
    }
}

/// Turns a runtime until it ends; the clock moves when all tasks wait.
fn drive<F: Future, C: Clock>(
    mut runtime: Pin<&mut Runtime<F, C, Onlooker>>,
    clock: &VirtualClock,
    world: &World,
    bell: &Bell,
    turns: u64,
) -> Result<Option<F::Output>, String> {
    let chance = RefCell::new(world.noise.as_ref().map(|noise| noise.borrow().clone()));
    let one_in = |n| chance.borrow_mut().as_mut().is_some_and(|chance| chance.one_in(n));
    // All tasks wait.
    let pass_time = |deadline| {
        // No time passes while another thread is about to wake a task.
        if world.open.load(Ordering::SeqCst) > 0 || bell.rung.swap(false, Ordering::SeqCst) {
            bell.wait(|| world.open.load(Ordering::SeqCst) == 0);
            return Ok(());
        }
        let Some(tick) = deadline else {
            return Err(format!("deadlock at {:?} after {:#?}", clock.now(), world.events.borrow()));
        };
        clock.advance_to(on_the_way(chance.borrow_mut().as_mut(), clock.now(), tick));
        Ok(())
    };
    let mut wait = |until| {
        let passed = match until {
            Until::Now => Ok(()),
            Until::At(tick) => pass_time(Some(tick)),
            Until::OnWake => pass_time(None),
        };
        passed.unwrap_or_else(|deadlock| panic!("{deadlock}"));
        world.make_noise();
    };
    for _ in 0..turns {
        world.make_noise();
        if turns == MANY && one_in(8) {
            return Ok(Some(runtime.run(&mut wait)));
        }
        let next = runtime.as_mut().turn();
        audit(runtime.as_mut(), true)?;
        match next {
            Next::Finished(value) => return Ok(Some(value)),
            Next::Wait(Until::Now) => continue,
            Next::Wait(Until::At(tick)) => pass_time(Some(tick))?,
            Next::Wait(Until::OnWake) => pass_time(None)?,
        }
        if one_in(3) {
            runtime.as_mut().__fire_due();
            audit(runtime.as_mut(), true)?;
        }
    }
    if turns < MANY { Ok(None) } else { Err("it never ends".into()) }
}

/// More turns than any program needs.
const MANY: u64 = 1_000_000;

/// How far the clock moves: to the deadline, or a part of the way.
fn on_the_way(chance: Option<&mut Rng>, now: Tick, to: Tick) -> Tick {
    let Some(chance) = chance else { return to };
    if chance.one_in(3) { Tick(now.0 + 1 + chance.below(to.0 - now.0)) } else { to }
}

/// Says what went wrong when the program is cancelled at that moment.
pub(crate) fn check(code: &Code, cancel: u64, surroundings: Surroundings) -> Result<(), String> {
    let _alone = alone();
    let mut expected = match cancel {
        NEVER => fate(code, 0, NEVER).dropped(),
        // A move_on_after around it: it catches what it has cancelled.
        _ => suspending(code, 0, cancel).dropped(),
    };
    expected.events.sort_unstable();

    let (world, time, bell) = (surroundings.world(), VirtualClock::new(), Bell::new());
    let ended = {
        let main = async {
            match cancel {
                NEVER => Some(run(&world, code).await),
                _ => move_on_after(Duration::from_nanos(cancel), suspends(run(&world, code))).await,
            }
        };
        let runtime = surroundings.runtime(&time, main);
        #[cfg(feature = "std")]
        let runtime = runtime.with_notify(Waker::from(bell.clone()));
        let mut runtime = pin!(runtime);
        catch(|| drive(runtime.as_mut(), &time, &world, &bell, MANY))
    };
    let how = match ended {
        Ok(result) => match result?.flatten() {
            Some(Ok(())) => How::Done,
            Some(Err(error)) => How::Failed(error.0),
            None => How::Cancelled,
        },
        Err(number) => How::Panicked(vec![number]),
    };
    let is_right = match (&how, &expected.how) {
        (How::Panicked(number), How::Panicked(numbers)) => numbers.contains(&number[0]),
        (how, expected) => how == expected,
    };
    if !is_right || time.now().0 != expected.end {
        let end = time.now().0;
        return Err(format!("it ended as {:?} instead of {:?}", (how, end), (expected.how, expected.end)));
    }
    compare(world.events.take(), expected.events, &expected.maybe)?;
    nothing_is_left(&world)
}

fn compare(mut seen: Vec<Event>, expected: Vec<Event>, maybe: &[Event]) -> Result<(), String> {
    if !seen.is_sorted_by_key(|event| event.0) {
        return Err(format!("events out of order: {seen:#?}"));
    }
    seen.sort_unstable();
    let mut missing = expected.clone();
    let mut extra = Vec::new();
    for event in seen {
        match missing.iter().position(|other| *other == event) {
            Some(i) => drop(missing.remove(i)),
            None if maybe.contains(&event) => {}
            None => extra.push(event),
        }
    }
    if extra.is_empty() && missing.is_empty() {
        return Ok(());
    }
    Err(format!("events too many: {extra:?}, events missing: {missing:?}"))
}

/// Drops a program after some turns; says what went wrong.
pub(crate) fn check_dropped(code: &Code, turns: u64, surroundings: Surroundings) -> Result<(), String> {
    let _alone = alone();
    let (world, time, bell) = (surroundings.world(), VirtualClock::new(), Bell::new());
    // A bomb in it may go off at any time.
    let ended = catch(|| {
        let mut runtime = pin!(surroundings.runtime(&time, run(&world, code)));
        let outcome = drive(runtime.as_mut(), &time, &world, &bell, turns).map(drop);
        // Some are dropped when they have just been woken.
        world.make_noise();
        outcome
    });
    ended.unwrap_or(Ok(()))?;
    world.make_noise();
    nothing_is_left(&world)
}

fn nothing_is_left(world: &World) -> Result<(), String> {
    if let Some(left) = world.between.left() {
        return Err(format!("left between the tasks: {left}"));
    }
    match (world.live.left(), world.arenas.used(), __census()) {
        (0, 0, 0) => Ok(()),
        (0, 0, blocks) => Err(format!("{blocks} control blocks are in use")),
        (0, used, _) => Err(format!("{used} places are taken")),
        (left, ..) => Err(format!("{left} objects are left")),
    }
}

/// Runs it; an error is the number of the panic.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, u32> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| match payload.downcast::<Boom>() {
        Ok(boom) => boom.0,
        // A panic that isn't the program's.
        Err(payload) => std::panic::resume_unwind(payload),
    })
}

/// What other threads ring when they wake a task.
struct Bell {
    rung: AtomicBool,
    thread: Thread,
}

impl Bell {
    fn new() -> Arc<Bell> {
        Arc::new(Bell { rung: AtomicBool::new(false), thread: std::thread::current() })
    }

    /// Until it rings, or there is nothing to wait for.
    fn wait(&self, is_over: impl Fn() -> bool) {
        while !self.rung.swap(false, Ordering::SeqCst) && !is_over() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// A thread that does what it is asked for; one of two.
fn helper() -> Sender<Request> {
    static HELPERS: Mutex<Vec<Sender<Request>>> = Mutex::new(Vec::new());
    let mut helpers = HELPERS.lock().unwrap();
    if helpers.len() < 2 {
        let (sender, receiver) = channel::<Request>();
        std::thread::spawn(move || {
            for request in receiver {
                request.done.store(true, Ordering::SeqCst);
                // Once for something, once for nothing.
                request.waker.wake_by_ref();
                request.open.fetch_sub(1, Ordering::SeqCst);
                request.waker.wake();
            }
        });
        helpers.push(sender);
    }
    helpers.rotate_left(1);
    helpers[0].clone()
}
