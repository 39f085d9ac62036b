//! Random programs, run by the core.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::{
    Arena, CancelScope, Nursery, NurseryScope, Storage, cancel_scope, checkpoint, clock, fail_after, finally,
    finally_for, move_on_after, move_on_at, nursery, nursery_in, poll_proceed, shield, shield_for, sleep,
};

use crate::arenas::{Arenas, Place};
use crate::between::Between;
use crate::code::{Code, Handle, Kid};
use crate::common::{Live, Object, Rng};
use crate::model::Event;
use crate::through::through;

/// A running piece of a program.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// What a program fails with.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) u32);

/// What a program panics with.
pub(crate) struct Boom(pub(crate) u32);

thread_local! {
    /// Done whenever a result, an error or what a panic carries is dropped.
    pub(crate) static MISCHIEF: Cell<Option<fn()>> = const { Cell::new(None) };
}

fn mischief() {
    if let Some(mischief) = MISCHIEF.get() {
        mischief();
    }
}

impl Drop for Failure {
    fn drop(&mut self) {
        mischief();
    }
}

impl Drop for Boom {
    fn drop(&mut self) {
        mischief();
    }
}

/// A wake that another thread is asked for.
pub(crate) struct Request {
    pub(crate) waker: Waker,
    pub(crate) done: Arc<AtomicBool>,
    pub(crate) open: Arc<AtomicUsize>,
}

/// What a program leaves behind, and what it finds.
pub(crate) struct World {
    pub(crate) events: RefCell<Vec<Event>>,
    pub(crate) live: Live,
    pub(crate) arenas: Arenas,
    pub(crate) between: Between,
    /// Where to ask for wakes from another thread; `None`: it is done at once.
    pub(crate) helper: Option<Sender<Request>>,
    /// How many requests are open.
    pub(crate) open: Arc<AtomicUsize>,
    /// Wakers to be fired for nothing, and chances to do so.
    pub(crate) noise: Option<RefCell<Rng>>,
    /// Where somebody compares the order of polls.
    pub(crate) record: Option<Record>,
}

/// Who is polled when, in a world where much happens at once.
pub(crate) struct Record {
    /// When, and which piece.
    pub(crate) polls: RefCell<Vec<(u64, *const Code)>>,
    /// Children live in arenas with room for all of them, as far as those have what they need; else on the heap.
    pub(crate) in_arenas: bool,
}

impl Record {
    pub(crate) fn new(in_arenas: bool) -> Self {
        // Those of other programs are as many as there were.
        drop(WAKERS.take());
        Record { polls: RefCell::default(), in_arenas }
    }

    fn places(&self, kids: &[Kid], race: bool) -> Option<usize> {
        (self.in_arenas && !race && kids.iter().all(Kid::may_be_in_an_arena)).then_some(Place::ROOMY)
    }
}

thread_local! {
    /// Wakers of all programs so far, the older ones overwritten.
    static WAKERS: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

const WAKERS_KEPT: usize = 64;

impl World {
    pub(crate) fn new(helper: Option<Sender<Request>>, noise: Option<Rng>) -> Self {
        World {
            events: RefCell::default(),
            live: Live::new(),
            arenas: Arenas::default(),
            between: Between::new(),
            helper,
            open: Arc::default(),
            noise: noise.map(RefCell::new),
            record: None,
        }
    }

    pub(crate) fn span(&self, n: u64) -> Duration {
        // Of nine lengths, so that many end at once.
        let n = if self.record.is_some() { n.div_ceil(1 << 27) } else { n };
        Duration::from_nanos(n)
    }

    fn say(&self, number: u32, what: &'static str) {
        self.make_noise();
        let now = clock().as_nanos(); // the clock may be hostile
        self.events.borrow_mut().push((now, number, what));
    }

    /// Keeps the waker of the running task, to be fired at any time from now on.
    async fn leave_waker(&self) {
        let Some(noise) = &self.noise else { return };
        poll_fn(|cx| {
            let place = noise.borrow_mut().below(WAKERS_KEPT as u64) as usize;
            // Cloned and dropped with nothing borrowed: it may be a waker that does what it likes.
            let waker = cx.waker().clone();
            let old = WAKERS.with_borrow_mut(|wakers| match wakers.get_mut(place) {
                Some(old) => Some(std::mem::replace(old, waker)),
                None => {
                    wakers.push(waker);
                    None
                }
            });
            drop(old);
            Poll::Ready(())
        })
        .await
    }

    /// Fires wakers of the past: they belong to tasks that wait, that are over, that never were.
    pub(crate) fn make_noise(&self) {
        let Some(noise) = &self.noise else { return };
        let wakers = WAKERS.take();
        let count = noise.borrow_mut().below(4).min(wakers.len() as u64);
        for _ in 0..count {
            let which = noise.borrow_mut().below(wakers.len() as u64) as usize;
            wakers[which].wake_by_ref();
        }
        // Others may have been left meanwhile.
        let newer = WAKERS.replace(wakers);
        drop(newer);
    }

    /// Waits until another thread has woken the task.
    async fn remote(&self) {
        let Some(helper) = &self.helper else { return checkpoint().await };
        let mut asked: Option<Arc<AtomicBool>> = None;
        poll_fn(|cx| {
            let go = std::task::ready!(poll_proceed(cx));
            if let Some(done) = &asked
                && done.load(Ordering::SeqCst)
            {
                go.made_progress();
                return Poll::Ready(());
            }
            // Each poll may come with another waker.
            let done = asked.get_or_insert_default().clone();
            self.open.fetch_add(1, Ordering::SeqCst);
            let request = Request { waker: cx.waker().clone(), done, open: self.open.clone() };
            helper.send(request).expect("the helper lives as long as the programs");
            Poll::Pending
        })
        .await
    }
}

/// Panics when it is dropped, if that isn't because of another panic.
struct Bomb(u32, Cell<bool>);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.1.get() && !std::thread::panicking() {
            std::panic::resume_unwind(Box::new(Boom(self.0)));
        }
    }
}

/// The result of a child.
struct Value {
    _object: Object,
}

impl Drop for Value {
    fn drop(&mut self) {
        mischief();
    }
}

/// Suspends once more after `code`, so that it doesn't matter whether code that was cancelled
/// before its end has a result or stays pending: a nursery, say, whose last child was in a shield.
pub(crate) fn suspends<'a>(code: Run<'a>) -> Run<'a> {
    Box::pin(async {
        let result = code.await;
        checkpoint().await;
        result
    })
}

pub(crate) fn run<'a>(world: &'a World, code: &'a Code) -> Run<'a> {
    let mut piece = piece(world, code);
    let Some(record) = &world.record else { return piece };
    Box::pin(poll_fn(move |cx| {
        record.polls.borrow_mut().push((clock().as_nanos(), code));
        piece.as_mut().poll(cx)
    }))
}

fn piece<'a>(world: &'a World, code: &'a Code) -> Run<'a> {
    Box::pin(async move {
        let _object = world.live.object();
        world.leave_waker().await;
        match code {
            Code::Sleep(number, span) => {
                sleep(world.span(*span)).await;
                world.say(*number, "slept");
            }
            Code::Yield => checkpoint().await,
            Code::Use(number, what) => {
                world.between.uses(*what, *number).await;
                world.say(*number, "used");
            }
            Code::Remote => world.remote().await,
            Code::Fail(number) => {
                world.say(*number, "failed");
                return Err(Failure(*number));
            }
            Code::Panic(number) => {
                world.say(*number, "panicked");
                std::panic::resume_unwind(Box::new(Boom(*number)));
            }
            Code::Guarded(number, body) => {
                checkpoint().await;
                let bomb = Bomb(*number, Cell::new(true));
                let result = suspends(run(world, body)).await;
                bomb.1.set(false);
                result?;
            }
            Code::Seq(steps) => {
                for step in steps {
                    run(world, step).await?;
                }
            }
            Code::Catch(body) => drop(run(world, body).await),
            Code::Deadline(span, body) => {
                let body = run(world, body);
                let result = match span % 3 {
                    0 => move_on_after(world.span(*span), body).await,
                    1 => move_on_at(clock() + world.span(*span), body).await,
                    _ => fail_after(world.span(*span), body).await.ok(),
                };
                if let Some(result) = result {
                    result?;
                }
            }
            Code::Moved { first, after, second, body } => {
                let start = clock();
                let result = cancel_scope(async |scope| {
                    scope.set_deadline(Some(start + world.span(*first)));
                    let moves = async {
                        sleep(world.span(*after)).await;
                        scope.set_deadline(Some(start + world.span(*second)));
                    };
                    beside(moves, run(world, body)).await
                });
                if let Ok(result) = result.await {
                    result?;
                }
            }
            Code::Scope(span, body) => {
                let result = cancel_scope(async |scope| {
                    let timer = async {
                        sleep(world.span(*span)).await;
                        cancel(*span, scope);
                    };
                    beside(timer, run(world, body)).await
                });
                if let Ok(result) = result.await {
                    result?;
                }
            }
            Code::Shield(body) => drop(shield(run(world, body)).await),
            Code::ShieldFor(grace, body) => drop(shield_for(world.span(*grace), run(world, body)).await),
            Code::Finally(number, body, clean_up) => {
                finally(run(world, body), async || cleaning(world, *number, clean_up).await).await?;
            }
            Code::FinallyFor(number, grace, body, clean_up) => {
                let clean_up = async || cleaning(world, *number, clean_up).await;
                finally_for(world.span(*grace), run(world, body), clean_up).await?;
            }
            Code::Nursery { body, kids, places, race } => {
                let sink = |error: Failure| world.say(error.0, "failed too");
                let places = match &world.record {
                    None => *places,
                    Some(record) => record.places(kids, *race),
                };
                match places {
                    None => {
                        nursery(async |n| {
                            n.on_other_error(&sink);
                            if *race {
                                n.race();
                            }
                            let mut kept = Vec::new();
                            let mut awaited = None;
                            for kid in kids {
                                start(n, world, kid, &mut kept, &mut awaited);
                            }
                            rest(world, body, kept, awaited).await
                        })
                        .await?;
                    }
                    Some(places) => match world.arenas.borrow(places) {
                        Place::One(arena) => in_arena(arena, world, body, kids, &sink).await?,
                        Place::Two(arena) => in_arena(arena, world, body, kids, &sink).await?,
                        Place::Three(arena) => in_arena(arena, world, body, kids, &sink).await?,
                        Place::Four(arena) => in_arena(arena, world, body, kids, &sink).await?,
                        Place::Roomy(arena) => in_arena(arena, world, body, kids, &sink).await?,
                    },
                }
            }
            Code::Join(left, right) => {
                let (left, right) = futures::join!(suspends(run(world, left)), suspends(run(world, right)));
                left?;
                right?;
            }
            Code::Select(left, right) => {
                let either = futures::future::select(suspends(run(world, left)), suspends(run(world, right))).await;
                let (result, loser) = either.factor_first();
                drop(loser);
                result?;
            }
            Code::Set(all) => {
                let numbered = |(i, code)| async move { (i, suspends(run(world, code)).await) };
                let set: FuturesUnordered<_> = all.iter().enumerate().map(numbered).collect();
                let mut results: Vec<(usize, Result<(), Failure>)> = set.collect().await;
                results.sort_by_key(|(i, _)| *i);
                for (_, result) in results {
                    result?;
                }
            }
            Code::Through(way, body) => through(*way, run(world, body)).await?,
        }
        Ok(())
    })
}

/// Runs both, until `body` ends.
async fn beside<T>(neighbour: impl Future, body: impl Future<Output = T>) -> T {
    let (mut neighbour, mut body) = (pin!(neighbour), pin!(body));
    let mut is_done = false;
    poll_fn(|cx| {
        is_done = is_done || neighbour.as_mut().poll(cx).is_ready();
        body.as_mut().poll(cx)
    })
    .await
}

/// Cancels in one way or another; sometimes twice.
fn cancel(chance: u64, scope: CancelScope<'_, '_>) {
    match chance % 5 {
        0 => scope.cancel(),
        1 => scope.cancel_because("the dice say so"),
        2 => scope.interrupt(),
        3 => {
            scope.cancel();
            scope.cancel_because("once more");
        }
        _ => {
            // In a copy, which is as good.
            let copy = scope;
            copy.cancel();
        }
    }
}

async fn cleaning(world: &World, number: u32, code: &Code) {
    world.say(number, "clean-up begins");
    let _ = suspends(run(world, code)).await;
    world.say(number, "clean-up ends");
}

type Task<'scope> = giambio_core::Task<'scope, Value>;

/// A child, and the one that it spawns.
async fn child<'scope, 'a: 'scope, S: Storage>(
    n: &'scope NurseryScope<'scope, 'a, Failure, S>,
    world: &'a World,
    kid: &'a Kid,
) -> Result<Value, Failure> {
    suspends(run(world, &kid.code)).await?;
    if let Some(then) = &kid.then {
        // In a nursery that was cancelled meanwhile it is dropped.
        drop(n.try_spawn(run(world, then)));
    }
    Ok(Value { _object: world.live.object() })
}

/// Starts a child of a nursery on the heap.
fn start<'scope, 'a: 'scope>(
    n: Nursery<'scope, 'a, Failure>,
    world: &'a World,
    kid: &'a Kid,
    kept: &mut Vec<Task<'scope>>,
    awaited: &mut Option<(u32, Task<'scope>)>,
) {
    let spawning = n.child().name("a kid");
    let spawning = if kid.daemon { spawning.daemon() } else { spawning };
    let task = match kid.after {
        Some(span) => spawning.after(world.span(span)).spawn_value(child(n, world, kid)),
        // As in an arena: refused where the nursery was cancelled before.
        None if world.record.is_some() => match spawning.try_spawn_value(child(n, world, kid)) {
            Ok(task) => task,
            Err(error) => return drop(error.into_future()),
        },
        None => spawning.spawn_value(child(n, world, kid)),
    };
    match kid.handle {
        Handle::CancelledAfter(span) => {
            n.child().daemon().spawn(async move {
                sleep(world.span(span)).await;
                task.cancel();
                Ok(())
            });
        }
        Handle::AwaitedBySibling => {
            n.spawn(async move {
                if task.await.is_ok() {
                    world.say(kid.number, "has a value");
                }
                Ok(())
            });
        }
        _ => keep(kid, task, kept, awaited),
    }
}

fn keep<'scope>(
    kid: &Kid,
    task: Task<'scope>,
    kept: &mut Vec<Task<'scope>>,
    awaited: &mut Option<(u32, Task<'scope>)>,
) {
    match kid.handle {
        Handle::Kept => kept.push(task),
        Handle::Forgotten => std::mem::forget(task),
        Handle::Awaited => *awaited = Some((kid.number, task)),
        _ => drop(task),
    }
}

/// What a body does when it has spawned its children.
async fn rest<'scope>(
    world: &World,
    body: &Code,
    kept: Vec<Task<'scope>>,
    awaited: Option<(u32, Task<'scope>)>,
) -> Result<(), Failure> {
    if let Some((number, task)) = awaited
        && task.await.is_ok()
    {
        world.say(number, "has a value");
    }
    let result = run(world, body).await;
    drop(kept);
    result
}

async fn in_arena<'a, const PLACES: usize, const BYTES: usize>(
    arena: &'static Arena<PLACES, BYTES>,
    world: &'a World,
    body: &'a Code,
    kids: &'a [Kid],
    sink: &dyn Fn(Failure),
) -> Result<(), Failure> {
    nursery_in(arena, async |n| {
        n.on_other_error(sink);
        let mut kept = Vec::new();
        let mut awaited = None;
        for kid in kids {
            let spawning = n.child();
            let spawning = if kid.daemon { spawning.daemon() } else { spawning };
            // Boxed, so that all kinds of children fit.
            let child: Pin<Box<dyn Future<Output = Result<Value, Failure>>>> = Box::pin(child(n, world, kid));
            if kid.only_if_room || world.record.is_some() {
                match spawning.try_spawn_value(child) {
                    Ok(task) => keep(kid, task, &mut kept, &mut awaited),
                    Err(error) => drop(error.into_future()),
                }
            } else {
                let task = spawning.spawn_value_wait(child).await;
                keep(kid, task, &mut kept, &mut awaited);
            }
        }
        rest(world, body, kept, awaited).await
    })
    .await
}
