//! What safe code may do, at random and all at once: half-done futures go from one runtime to another and to nobody's hand,
//! are polled with wakers of others, forgotten and dropped; clocks jump, back too; and all foreign code that is called (clocks,
//! debuggers, destructors, wakers when they wake and when they are dropped) polls, drops, forgets and turns runtimes itself,
//! and panics. Nothing is said about what comes of it, but that all panics are known ones; run it under AddressSanitizer.
#![cfg(not(windows))] // there a thread drops its locals in another order, and what is hostile must not panic at its end
#![cfg(all(feature = "alloc", feature = "std"))]

mod common;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{on_big_stack, seeds};
use giambio_core::*;

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static SEED: Cell<u64> = const { Cell::new(0) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
    /// How many attacks are under way in each other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static FUTURES: RefCell<Vec<Boxed>> = const { RefCell::new(Vec::new()) };
    static RUNTIMES: RefCell<Vec<Box<dyn Turned>>> = const { RefCell::new(Vec::new()) };
}

fn random(below: u64) -> u64 {
    let mut seed = SEED.get();
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    SEED.set(seed);
    (seed >> 8) % below
}

fn one_in(number: u64) -> bool {
    random(number) == 0
}

/// Of any magnitude.
fn number() -> u64 {
    (random(1 << 56) << 8 | random(1 << 8)) >> random(64)
}

fn span() -> Duration {
    Duration::from_nanos(number())
}

fn take<T>(from: &RefCell<Vec<T>>) -> Option<T> {
    let mut from = from.borrow_mut();
    let count = from.len() as u64;
    (count > 0).then(|| from.swap_remove(random(count) as usize))
}

const PLANTED: &str = "an attack";

fn may_panic(seldom: u64) {
    if PANICS.get() && !thread::panicking() && one_in(seldom) {
        resume_unwind(Box::new(PLANTED.to_owned()));
    }
}

/// Lets a panic go no further that was planted, or that the core promises to who uses it so.
fn expect_known(payload: Box<dyn Any + Send>) {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    let is_known = text.is_some_and(|text| {
        [PLANTED, "giambio: "].iter().any(|known| text.starts_with(known)) || text.contains("resumed after")
    });
    if !is_known {
        resume_unwind(payload);
    }
}

/// Foreign code does this.
fn attack() {
    if DEPTH.get() > 3 || !one_in(3) {
        return;
    }
    DEPTH.set(DEPTH.get() + 1);
    let result = catch_unwind(|| match random(5) {
        0 | 1 => meddle(&mut Context::from_waker(Waker::noop())),
        2 => turn_one(),
        3 => drop(FUTURES.with(take)),
        _ => {}
    });
    DEPTH.set(DEPTH.get() - 1);
    match result {
        Err(payload) if PANICS.get() && !thread::panicking() => resume_unwind(payload),
        Err(payload) => expect_known(payload),
        Ok(()) => {}
    }
}

/// Does something with one of the futures.
fn meddle(cx: &mut Context<'_>) {
    match random(8) {
        0 => drop(FUTURES.with(take)),
        1 => std::mem::forget(FUTURES.with(take)),
        2 if FUTURES.with_borrow(Vec::len) < 400 => {
            let future = future();
            FUTURES.with_borrow_mut(|futures| futures.push(future));
        }
        _ => {
            let Some(mut future) = FUTURES.with(take) else { return };
            match catch_unwind(AssertUnwindSafe(|| poll_somehow(future.as_mut(), cx))) {
                Ok(Poll::Ready(())) => {}
                Ok(Poll::Pending) => FUTURES.with_borrow_mut(|futures| futures.push(future)),
                Err(payload) => expect_known(payload),
            }
        }
    }
}

struct Foreign;

impl Foreign {
    fn waker() -> Waker {
        Waker::from(Arc::new(Foreign))
    }
}

impl Wake for Foreign {
    fn wake(self: Arc<Self>) {
        attack();
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        attack();
    }
}

fn poll_somehow(future: Pin<&mut dyn Future<Output = ()>>, cx: &mut Context<'_>) -> Poll<()> {
    match random(3) {
        0 => future.poll(cx),
        1 => future.poll(&mut Context::from_waker(Waker::noop())),
        _ => future.poll(&mut Context::from_waker(&Foreign::waker())),
    }
}

struct Object(Vec<u8>);

impl Object {
    fn new() -> Object {
        Object(b"alive".to_vec())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        assert_eq!(self.0, b"alive");
        attack();
        may_panic(30);
    }
}

async fn keep(object: Object) {
    let _object = object;
    pending().await
}

/// Some future of the core's, with something in it.
fn future() -> Boxed {
    let object = Object::new();
    match random(8) {
        0 => Box::pin(sleep(span())),
        1 => Box::pin(async move {
            let _ = move_on_after(span(), keep(object)).await;
        }),
        2 => Box::pin(async move {
            let _ = move_on_after(span(), shield(keep(object))).await;
        }),
        3 => Box::pin(async move {
            let _ = move_on_after(span(), shield_for(span(), keep(object))).await;
        }),
        4 => Box::pin(finally_for(span(), keep(object), async || sleep(span()).await)),
        5 => Box::pin(async move {
            let _ = nursery(async |n| body(n, object).await).await;
        }),
        6 => {
            let mut inner = future();
            Box::pin(poll_fn(move |cx| {
                assert_eq!(object.0, b"alive");
                poll_somehow(inner.as_mut(), cx)
            }))
        }
        _ => Box::pin(async move {
            let scope = cancel_scope(async |scope| {
                scope.set_deadline(effective_deadline());
                interval(span().max(Duration::from_nanos(1))).tick().await;
                scope.set_deadline(Some(clock() + span()));
                let _object = object;
                sleep(span()).await;
                scope.cancel();
                checkpoint().await;
            });
            let _ = scope.await;
        }),
    }
}

async fn body(n: Nursery<'_, '_, &'static str>, object: Object) -> Result<(), &'static str> {
    for i in 0..random(6) {
        let inner = future();
        let work = async move {
            inner.await;
            if one_in(3) { Err("failed") } else { Ok(Object::new()) }
        };
        let child = n.child().name(format!("child {i}"));
        match random(4) {
            0 => std::mem::forget(child.spawn_value(work)),
            1 => child.after(span()).spawn_value(work).cancel(),
            _ => drop(child.spawn_value(work)),
        }
    }
    if one_in(2) {
        keep(object).await;
    }
    sleep(span()).await;
    if one_in(3) {
        n.cancel_children();
    }
    Ok(())
}

struct Hostile<const HZ: u64>(Rc<Cell<u64>>);

impl<const HZ: u64> Clock for Hostile<HZ> {
    const HZ: u64 = HZ;
    fn now(&self) -> Tick {
        if one_in(50) {
            attack();
        }
        may_panic(50);
        Tick(self.0.get())
    }
}

struct Nosy;

impl Debugger for Nosy {
    fn event(&self, event: Event<'_>) {
        if let Event::BeforeSleep(task, _)
        | Event::AfterSleep(task, _)
        | Event::TaskExit(task)
        | Event::BeforeCancel(task)
        | Event::TaskError(task, _)
        | Event::CleanupAbandoned(task) = event
        {
            assert!(task.is_root() || task.name.starts_with("child "));
            attack();
            may_panic(50);
        }
    }
}

trait Turned {
    fn turn(&mut self) -> bool;
}

struct Driven<const HZ: u64> {
    runtime: Pin<Box<Runtime<Boxed, Hostile<HZ>, Nosy>>>,
    clock: Rc<Cell<u64>>,
}

impl<const HZ: u64> Driven<HZ> {
    fn boxed() -> Box<dyn Turned> {
        let clock = Rc::new(Cell::new(number()));
        let (mut polls, mut inner) = (random(300), future());
        let mut is_over = false;
        let main: Boxed = Box::pin(poll_fn(move |cx| {
            for _ in 0..random(20) {
                meddle(cx);
            }
            is_over = is_over || poll_somehow(inner.as_mut(), cx).is_ready();
            cx.waker().wake_by_ref();
            polls = polls.saturating_sub(1);
            if polls == 0 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let runtime = Runtime::new(Hostile::<HZ>(clock.clone()), main).with_notify(Foreign::waker());
        Box::new(Driven { runtime: Box::pin(runtime.with_debugger(Nosy)), clock })
    }
}

impl<const HZ: u64> Turned for Driven<HZ> {
    fn turn(&mut self) -> bool {
        match random(6) {
            0 => self.clock.set(number()),
            1 => self.clock.set(u64::MAX - random(3)),
            _ => {}
        }
        let next = self.runtime.as_mut().turn();
        next == Next::Finished(())
    }
}

/// Turns one of a few runtimes, where none has its turn.
fn turn_one() {
    if in_runtime() {
        return;
    }
    let known = if RUNTIMES.with_borrow(Vec::len) < 4 { None } else { RUNTIMES.with(take) };
    let mut runtime = known.unwrap_or_else(|| match random(3) {
        0 => Driven::<1_000>::boxed(),
        1 => Driven::<32_768>::boxed(),
        _ => Driven::<1_000_000_000>::boxed(),
    });
    match catch_unwind(AssertUnwindSafe(|| runtime.turn())) {
        Ok(false) => RUNTIMES.with_borrow_mut(|runtimes| runtimes.push(runtime)),
        Ok(true) => drop(runtime),
        Err(payload) => {
            expect_known(payload);
            drop(runtime);
        }
    }
}

fn attack_for(turns: u32, seed: u64, panics: bool) {
    SEED.set(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    PANICS.set(panics);
    for _ in 0..turns {
        if let Err(payload) = catch_unwind(turn_one) {
            expect_known(payload);
        }
    }
    // What is left goes in this order, in the other, or with the thread.
    PANICS.set(false);
    let mut ends: Vec<fn()> =
        vec![|| drop(FUTURES.with(RefCell::take)), || drop(RUNTIMES.with(RefCell::take)), || DEPTH.set(4)];
    ends.rotate_left(random(3) as usize);
    for end in ends {
        if let Err(payload) = catch_unwind(end) {
            expect_known(payload);
        }
    }
}

/// One takes longer than forty random programs, so there are fewer of them, however many programs are asked for.
fn attacks() -> impl Iterator<Item = u64> {
    seeds(320).step_by(40)
}

#[test]
fn hostile_code_does_nothing_undefined() {
    for seed in attacks() {
        on_big_stack(move || attack_for(400, seed, false));
    }
}

#[test]
fn hostile_code_that_panics_does_nothing_undefined() {
    for seed in attacks() {
        on_big_stack(move || attack_for(400, seed, true));
    }
}
