//! Random programs against a reference: trees of nurseries, scopes, deadlines, shields, clean-ups,
//! joins, selects and handles, made from a seed, run in virtual time, and compared with what a
//! small model says must happen: which sleeps end when, which clean-ups begin and end when, what
//! fails, and when all of it is over. Nothing may be alive at the end, nor after a drop half-way.
//!
//! The model knows nothing of polls and wakes. It computes, for code that starts at a moment and
//! is cancelled at a moment, when it ends and how. All times are random 30-bit numbers, so two
//! unrelated things never happen at once.
//!
//! `GIAMBIO_PROGRAMS=100000 cargo test --test random_programs` runs more of them. One that goes wrong
//! is made smaller and printed.
#![cfg(feature = "alloc")]

mod common;

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};

use common::*;
use giambio_core::{
    Clock, Next, Runtime, VirtualClock, cancel_scope, checkpoint, clock, finally, finally_for, move_on_after, nursery,
    shield, shield_for, sleep,
};

// ------------------------------------------------------------------------------------ programs

#[derive(Clone, Debug)]
enum Code {
    /// Sleeps, and says so with its number.
    Sleep(u32, u64),
    Yield,
    /// Fails with its number.
    Fail(u32),
    Seq(Vec<Code>),
    Deadline(u64, Box<Code>),
    /// Cancels itself after a while, through a neighbour in a `join!`.
    Scope(u64, Box<Code>),
    Shield(Box<Code>),
    ShieldFor(u64, Box<Code>),
    Finally(u32, Box<Code>, Box<Code>),
    FinallyFor(u32, u64, Box<Code>, Box<Code>),
    Nursery {
        body: Box<Code>,
        awaits: Option<usize>,
        kids: Vec<Kid>,
    },
    Join(Box<Code>, Box<Code>),
    Select(Box<Code>, Box<Code>),
}

#[derive(Clone, Debug)]
struct Kid {
    code: Code,
    daemon: bool,
    after: Option<u64>,
    cancelled_after: Option<u64>,
}

struct Maker {
    rng: Rng,
    /// How many more nodes there may be.
    size: u32,
    next: u32,
}

impl Maker {
    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }
    fn span(&mut self) -> u64 {
        self.rng.below(1 << 30) + 1
    }
    fn nap(&mut self) -> Code {
        Code::Sleep(self.number(), self.span())
    }
    /// Code that takes time before it does anything else: else it matters who is polled first.
    fn after_a_nap(&mut self) -> Code {
        Code::Seq(vec![self.nap(), self.code()])
    }
    fn boxed(&mut self) -> Box<Code> {
        Box::new(self.code())
    }
    fn code(&mut self) -> Code {
        if self.size == 0 {
            return self.nap();
        }
        self.size -= 1;
        match self.rng.below(26) {
            0..3 => self.nap(),
            3 => Code::Yield,
            4 => Code::Seq(vec![self.nap(), Code::Fail(self.number())]),
            5..9 => {
                let count = self.rng.below(4);
                Code::Seq((0..count).map(|_| self.code()).collect())
            }
            9 | 10 => Code::Deadline(self.span() * 2, self.boxed()),
            11 | 12 => Code::Scope(self.span() * 2, self.boxed()),
            13 => Code::Shield(self.boxed()),
            14 => Code::ShieldFor(self.span(), self.boxed()),
            15 | 16 => Code::Finally(self.number(), self.boxed(), self.boxed()),
            17 => Code::FinallyFor(self.number(), self.span(), self.boxed(), self.boxed()),
            18 => Code::Join(self.boxed(), self.boxed()),
            19 => Code::Select(Box::new(self.after_a_nap()), Box::new(self.after_a_nap())),
            _ => {
                let count = self.rng.below(5);
                let kids: Vec<_> = (0..count)
                    .map(|_| Kid {
                        daemon: self.rng.one_in(5),
                        after: self.rng.one_in(5).then(|| self.span()),
                        cancelled_after: self.rng.one_in(4).then(|| self.span() * 2),
                        code: self.code(),
                    })
                    .collect();
                let awaitable: Vec<_> =
                    (0..kids.len()).filter(|&i| !kids[i].daemon && kids[i].cancelled_after.is_none()).collect();
                let awaits = (!awaitable.is_empty() && self.rng.one_in(2))
                    .then(|| awaitable[self.rng.below(awaitable.len() as u64) as usize]);
                Code::Nursery { body: Box::new(self.after_a_nap()), awaits, kids }
            }
        }
    }
}

/// What can be seen of a program: when, which number, what.
type Event = (u64, u32, &'static str);

// ----------------------------------------------------------------------------------- the real thing

#[derive(Default)]
struct World {
    events: RefCell<Vec<Event>>,
    live: Live,
}

impl World {
    fn say(&self, number: u32, what: &'static str) {
        self.events.borrow_mut().push((clock().as_nanos(), number, what));
    }
}

/// Suspends once more after `code`, so that it doesn't matter whether code that was cancelled
/// before its end has a result or stays pending: a nursery, say, whose last child was in a shield.
fn suspends<'a>(code: Run<'a>) -> Run<'a> {
    Box::pin(async {
        let result = code.await;
        checkpoint().await;
        result
    })
}

type Run<'a> = Pin<Box<dyn Future<Output = Result<(), u32>> + 'a>>;

fn nanos(n: u64) -> std::time::Duration {
    std::time::Duration::from_nanos(n)
}

fn run<'a>(world: &'a World, code: &'a Code) -> Run<'a> {
    Box::pin(async move {
        let _object = world.live.object();
        match code {
            Code::Sleep(number, span) => {
                sleep(nanos(*span)).await;
                world.say(*number, "slept");
            }
            Code::Yield => checkpoint().await,
            Code::Fail(number) => {
                world.say(*number, "failed");
                return Err(*number);
            }
            Code::Seq(steps) => {
                for step in steps {
                    run(world, step).await?;
                }
            }
            Code::Deadline(span, body) => {
                if let Some(result) = move_on_after(nanos(*span), run(world, body)).await {
                    result?;
                }
            }
            Code::Scope(span, body) => {
                let result = cancel_scope(async |scope| {
                    let mut timer = pin!(async {
                        sleep(nanos(*span)).await;
                        scope.cancel();
                    });
                    let mut body = run(world, body);
                    let mut timer_done = false;
                    std::future::poll_fn(|cx| {
                        if !timer_done {
                            timer_done = timer.as_mut().poll(cx).is_ready();
                        }
                        body.as_mut().poll(cx)
                    })
                    .await
                })
                .await;
                if let Ok(result) = result {
                    result?;
                }
            }
            Code::Shield(body) => drop(shield(run(world, body)).await),
            Code::ShieldFor(grace, body) => drop(shield_for(nanos(*grace), run(world, body)).await),
            Code::Finally(number, body, clean_up) => {
                let clean_up = async || {
                    world.say(*number, "clean-up begins");
                    let _ = suspends(run(world, clean_up)).await;
                    world.say(*number, "clean-up ends");
                };
                finally(run(world, body), clean_up).await?;
            }
            Code::FinallyFor(number, grace, body, clean_up) => {
                let clean_up = async || {
                    world.say(*number, "clean-up begins");
                    let _ = suspends(run(world, clean_up)).await;
                    world.say(*number, "clean-up ends");
                };
                finally_for(nanos(*grace), run(world, body), clean_up).await?;
            }
            Code::Nursery { body, awaits, kids } => {
                nursery(async |n| {
                    let mut awaited = None;
                    for (i, kid) in kids.iter().enumerate() {
                        let child = n.child();
                        let child = if kid.daemon { child.daemon() } else { child };
                        let task = match kid.after {
                            Some(span) => child.after(nanos(span)).spawn(run(world, &kid.code)),
                            None => child.spawn(run(world, &kid.code)),
                        };
                        if let Some(span) = kid.cancelled_after {
                            n.child().daemon().spawn(async move {
                                sleep(nanos(span)).await;
                                task.cancel();
                                Ok(())
                            });
                        } else if *awaits == Some(i) {
                            awaited = Some(task);
                        }
                    }
                    if let Some(task) = awaited {
                        let _ = task.await;
                    }
                    run(world, body).await
                })
                .await?;
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
        }
        Ok(())
    })
}

// ---------------------------------------------------------------------------------- the reference

const NEVER: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Done,
    Failed(u32),
    /// It suspends for good in a cancelled scope.
    Cancelled,
}

#[derive(Clone, Debug)]
struct Fate {
    end: u64,
    how: How,
    events: Vec<Event>,
}

impl Fate {
    fn cancelled(at: u64) -> Fate {
        Fate { end: at, how: How::Cancelled, events: Vec::new() }
    }
    fn is_ready(&self) -> bool {
        self.how != How::Cancelled
    }
    /// What only runs after this one is at its end.
    fn then(mut self, next: impl FnOnce(u64) -> Fate) -> Fate {
        let next = next(self.end);
        self.events.extend(next.events);
        Fate { events: self.events, ..next }
    }
}

/// What becomes of `code` that starts at `start` in a scope that is cancelled at `cancel`.
fn fate(code: &Code, start: u64, cancel: u64) -> Fate {
    let done = Fate { end: start, how: How::Done, events: Vec::new() };
    match code {
        Code::Sleep(number, span) => {
            let end = start + span;
            if cancel <= start || end > cancel {
                return Fate::cancelled(cancel.max(start));
            }
            Fate { end, how: How::Done, events: vec![(end, *number, "slept")] }
        }
        Code::Yield if cancel <= start => Fate::cancelled(start),
        Code::Yield => done,
        Code::Fail(number) => Fate { how: How::Failed(*number), events: vec![(start, *number, "failed")], ..done },
        Code::Seq(steps) => {
            let mut fate_so_far = done;
            for step in steps {
                if fate_so_far.how != How::Done {
                    break;
                }
                fate_so_far = fate_so_far.then(|now| fate(step, now, cancel));
            }
            fate_so_far
        }
        Code::Deadline(span, body) | Code::Scope(span, body) => {
            let deadline = start + span;
            let mut inner = fate(body, start, cancel.min(deadline));
            // The innermost scope that was cancelled catches. Who cancels a scope from inside can't
            // do so when the code around it was cancelled before.
            let cancelled = if matches!(code, Code::Scope(..)) { deadline <= cancel } else { deadline <= inner.end };
            if !inner.is_ready() && cancelled {
                inner.how = How::Done;
            }
            inner
        }
        Code::Shield(_) | Code::ShieldFor(..) | Code::Finally(..) | Code::FinallyFor(..) if cancel <= start => {
            Fate::cancelled(start)
        }
        Code::Shield(body) => Fate { how: How::Done, ..fate(body, start, NEVER) },
        Code::ShieldFor(grace, body) => {
            let inner = fate(body, start, cancel.saturating_add(*grace));
            if inner.is_ready() { Fate { how: How::Done, ..inner } } else { inner }
        }
        Code::Finally(number, body, clean_up) => clean(*number, fate(body, start, cancel), clean_up, NEVER),
        Code::FinallyFor(number, grace, body, clean_up) => {
            let body = fate(body, start, cancel);
            // Its grace begins when it is cancelled, or begins in code that is.
            let grace_ends = cancel.max(body.end).saturating_add(*grace);
            clean(*number, body, clean_up, if cancel == NEVER { NEVER } else { grace_ends })
        }
        Code::Join(left, right) => {
            let (left, right) = (suspending(left, start, cancel), suspending(right, start, cancel));
            let how = match (left.how, right.how) {
                (How::Cancelled, _) | (_, How::Cancelled) => How::Cancelled,
                (How::Done, right) => right,
                (left, _) => left,
            };
            let end = left.end.max(right.end);
            Fate { end, how, events: [left.events, right.events].concat() }
        }
        Code::Select(left, right) => {
            let (left, right) = (suspending(left, start, cancel), suspending(right, start, cancel));
            let (winner, mut loser) = match (left.is_ready(), right.is_ready()) {
                (true, true) if left.end <= right.end => (left, right),
                (true, false) => (left, right),
                (_, true) => (right, left),
                (false, false) => {
                    let end = left.end.max(right.end);
                    return Fate { end, how: How::Cancelled, events: [left.events, right.events].concat() };
                }
            };
            loser.events.retain(|event| event.0 < winner.end); // dropped there
            Fate { events: [winner.events, loser.events].concat(), ..winner }
        }
        Code::Nursery { body, awaits, kids } => {
            let undisturbed = all(body, *awaits, kids, start, cancel);
            let first = undisturbed
                .iter()
                .filter_map(|fate| if let How::Failed(number) = fate.how { Some((fate.end, number)) } else { None })
                .min();
            let (fates, how) = match first {
                Some((failed, number)) => {
                    // An error is passed on even by a nursery that was cancelled before it came.
                    (all(body, *awaits, kids, start, failed.min(cancel)), How::Failed(number))
                }
                None => (undisturbed, How::Done),
            };
            let end = fates.iter().map(|fate| fate.end).max().unwrap_or(start);
            // Cancelled, or done by then? Nothing here can tell the difference: see `suspends`.
            let how = if how == How::Done && end >= cancel { How::Cancelled } else { how };
            Fate { end, how, events: fates.into_iter().flat_map(|fate| fate.events).collect() }
        }
    }
}

/// The fate of `code` with a suspension after it.
fn suspending(code: &Code, start: u64, cancel: u64) -> Fate {
    let inner = fate(code, start, cancel);
    if inner.end > cancel { Fate { how: How::Cancelled, ..inner } } else { inner }
}

fn clean(number: u32, body: Fate, clean_up: &Code, cancel: u64) -> Fate {
    let how = body.how;
    let mut after = body.then(|now| {
        let mut inner = suspending(clean_up, now, cancel);
        inner.events.insert(0, (now, number, "clean-up begins"));
        if inner.is_ready() {
            inner.events.push((inner.end, number, "clean-up ends"));
        }
        inner
    });
    // Also if the clean-up was cut short: what the body has come to isn't lost.
    after.how = how;
    after
}

/// The fates of a nursery's children and body, if it is cancelled at `cancel`.
fn all(body: &Code, awaits: Option<usize>, kids: &[Kid], start: u64, cancel: u64) -> Vec<Fate> {
    let kid_fate = |kid: &Kid, cancel: u64| {
        let cancel = kid.cancelled_after.map_or(cancel, |span| cancel.min(start + span));
        match kid.after {
            Some(span) if cancel <= start || start + span > cancel => Fate::cancelled(cancel.max(start)),
            Some(span) => fate(&kid.code, start + span, cancel),
            None if cancel <= start => Fate::cancelled(start),
            None => fate(&kid.code, start, cancel),
        }
    };
    let mut fates: Vec<_> = kids.iter().filter(|kid| !kid.daemon).map(|kid| kid_fate(kid, cancel)).collect();
    let awaited = awaits.map(|i| &fates[kids[..i].iter().filter(|kid| !kid.daemon).count()]);
    let body = match awaited {
        None => fate(body, start, cancel),
        Some(kid) if kid.how == How::Done && kid.end < cancel => fate(body, kid.end, cancel),
        // The nursery is cancelled while the body waits: from outside, or by that very child.
        Some(kid) => Fate::cancelled(if cancel == NEVER { kid.end } else { cancel.max(start) }),
    };
    fates.push(body);
    let served = fates.iter().map(|fate| fate.end).max().unwrap_or(start);
    fates.extend(kids.iter().filter(|kid| kid.daemon).map(|kid| kid_fate(kid, cancel.min(served))));
    fates
}

// ------------------------------------------------------------------------------------ the tests

fn make(seed: u64) -> Code {
    let size = 2 + (seed / 50).min(60) as u32;
    Maker { rng: Rng(seed ^ 0x6769_616d_6269_6f00), size, next: 0 }.code()
}

fn how_many() -> u64 {
    std::env::var("GIAMBIO_PROGRAMS").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000)
}

/// Runs a program, cancelled at a moment; says what went wrong.
fn check(code: &Code, cancel: u64) -> Result<(), String> {
    let mut expected = if cancel == NEVER { fate(code, 0, cancel) } else { suspending(code, 0, cancel) };
    expected.events.sort();

    let (world, time) = (World::default(), VirtualClock::<1_000_000_000>::new());
    let result = {
        let mut runtime = pin!(Runtime::new(&time, async {
            let result = if cancel == NEVER {
                Some(run(&world, code).await)
            } else {
                move_on_after(nanos(cancel), suspends(run(&world, code))).await
            };
            (result, clock().as_nanos())
        }));
        let mut turns = 0u32;
        loop {
            turns += 1;
            match step(runtime.as_mut()) {
                Next::Finished(value) => break value,
                Next::At(tick) => time.advance_to(tick),
                Next::Now if turns < 1_000_000 => {}
                Next::Now => return Err("it never ends".into()),
                Next::OnWake => {
                    return Err(format!("deadlock at {:?} after {:#?}", time.now(), world.events.borrow()));
                }
            }
        }
    };
    let mut seen = world.events.take();
    if !seen.is_sorted_by_key(|event| event.0) {
        return Err(format!("events out of order: {seen:#?}"));
    }
    seen.sort();
    let outcome = match expected.how {
        How::Done => Some(Ok(())),
        How::Failed(number) => Some(Err(number)),
        How::Cancelled => None,
    };
    if result != (outcome, expected.end) {
        return Err(format!("it ended as {result:?} instead of {:?}", (outcome, expected.end)));
    }
    if seen != expected.events {
        let extra: Vec<_> = seen.iter().filter(|event| !expected.events.contains(event)).collect();
        let missing: Vec<_> = expected.events.iter().filter(|event| !seen.contains(event)).collect();
        return Err(format!("events too many: {extra:?}, events missing: {missing:?}"));
    }
    if world.live.left() != 0 {
        return Err(format!("{} objects are left", world.live.left()));
    }
    Ok(())
}

/// Drops a program after some turns; says what went wrong.
fn check_dropped(code: &Code, turns: u64) -> Result<(), String> {
    let (world, time) = (World::default(), VirtualClock::<1_000_000_000>::new());
    {
        let mut runtime = pin!(Runtime::new(&time, run(&world, code)));
        for _ in 0..turns {
            match step(runtime.as_mut()) {
                Next::Finished(_) => break,
                Next::At(tick) => time.advance_to(tick),
                Next::Now => {}
                Next::OnWake => return Err("deadlock".into()),
            }
        }
    }
    if world.live.left() != 0 {
        return Err(format!("{} objects are left", world.live.left()));
    }
    Ok(())
}

impl Code {
    /// Programs that are a little smaller.
    fn smaller(&self) -> Vec<Code> {
        type Make<'a> = &'a dyn Fn(Box<Code>) -> Code;
        let one = |code: &Code, make: Make<'_>| {
            let mut all = vec![code.clone()];
            all.extend(code.smaller().into_iter().map(|code| make(Box::new(code))));
            all
        };
        let two = |left: &Code, right: &Code, make: &dyn Fn(Box<Code>, Box<Code>) -> Code| {
            let mut all = one(left, &|left| make(left, Box::new(right.clone())));
            all.extend(one(right, &|right| make(Box::new(left.clone()), right)));
            all
        };
        match self {
            Code::Sleep(..) | Code::Yield => Vec::new(),
            Code::Fail(_) => vec![Code::Seq(Vec::new())],
            Code::Seq(steps) => {
                let mut all = Vec::new();
                for i in 0..steps.len() {
                    let with = |step: Option<Code>| {
                        let mut steps = steps.clone();
                        steps.splice(i..=i, step);
                        Code::Seq(steps)
                    };
                    all.push(with(None));
                    all.extend(steps[i].smaller().into_iter().map(|step| with(Some(step))));
                }
                if let [step] = &steps[..] {
                    all.push(step.clone());
                }
                all
            }
            Code::Deadline(span, body) => one(body, &|body| Code::Deadline(*span, body)),
            Code::Scope(span, body) => one(body, &|body| Code::Scope(*span, body)),
            Code::Shield(body) => one(body, &Code::Shield),
            Code::ShieldFor(grace, body) => one(body, &|body| Code::ShieldFor(*grace, body)),
            Code::Finally(number, body, after) => two(body, after, &|body, after| Code::Finally(*number, body, after)),
            Code::FinallyFor(number, grace, body, after) => {
                two(body, after, &|body, after| Code::FinallyFor(*number, *grace, body, after))
            }
            Code::Join(left, right) => two(left, right, &Code::Join),
            Code::Select(left, right) => two(left, right, &Code::Select),
            Code::Nursery { body, awaits, kids } => {
                let mut all = one(body, &|body| Code::Nursery { body, awaits: *awaits, kids: kids.clone() });
                for i in 0..kids.len() {
                    let with = |kid: Option<Kid>| {
                        let mut kids = kids.clone();
                        let awaits = match (*awaits, &kid) {
                            (Some(awaited), None) if awaited == i => None,
                            (Some(awaited), None) if awaited > i => Some(awaited - 1),
                            (awaits, _) => awaits,
                        };
                        kids.splice(i..=i, kid);
                        Code::Nursery { body: body.clone(), awaits, kids }
                    };
                    all.push(kids[i].code.clone());
                    all.push(with(None));
                    all.push(with(Some(Kid { after: None, ..kids[i].clone() })));
                    all.push(with(Some(Kid { cancelled_after: None, ..kids[i].clone() })));
                    for code in kids[i].code.smaller() {
                        all.push(with(Some(Kid { code, ..kids[i].clone() })));
                    }
                }
                if awaits.is_some() {
                    all.push(Code::Nursery { body: body.clone(), awaits: None, kids: kids.clone() });
                }
                all
            }
        }
    }

    /// Does every step that must come after a nap do so?
    fn is_fair(&self) -> bool {
        let naps = |code: &Code| matches!(code, Code::Seq(steps) if matches!(steps.first(), Some(Code::Sleep(..))));
        match self {
            Code::Sleep(..) | Code::Yield => true,
            Code::Fail(_) => false,
            Code::Seq(steps) => steps.iter().enumerate().all(|(i, step)| match step {
                Code::Fail(_) => i > 0 && matches!(steps[i - 1], Code::Sleep(..)),
                step => step.is_fair(),
            }),
            Code::Deadline(_, body) | Code::Scope(_, body) | Code::Shield(body) | Code::ShieldFor(_, body) => {
                body.is_fair()
            }
            Code::Finally(_, left, right) | Code::FinallyFor(_, _, left, right) | Code::Join(left, right) => {
                left.is_fair() && right.is_fair()
            }
            Code::Select(left, right) => naps(left) && naps(right) && left.is_fair() && right.is_fair(),
            Code::Nursery { body, kids, .. } => {
                naps(body) && body.is_fair() && kids.iter().all(|kid| kid.code.is_fair())
            }
        }
    }

    fn size(&self) -> usize {
        format!("{self:?}").len()
    }
}

/// Checks a program; if it goes wrong, finds a small one that does, and panics with it.
fn check_or_shrink(seed: u64, check: impl Fn(&Code) -> Result<(), String>) {
    let mut code = make(seed);
    let Err(mut error) = check(&code) else { return };
    while let Some((smaller, its_error)) = code
        .smaller()
        .into_iter()
        .filter(|smaller| smaller.is_fair() && smaller.size() < code.size())
        .find_map(|smaller| check(&smaller).err().map(|error| (smaller, error)))
    {
        (code, error) = (smaller, its_error);
    }
    panic!("program {seed}, made smaller: {code:#?}\n{error}");
}

#[test]
fn random_programs_do_what_the_reference_says() {
    let _alone = alone();
    for seed in 0..how_many() {
        check_or_shrink(seed, |code| check(code, NEVER));
    }
}

#[test]
fn random_programs_cancelled_half_way_do_what_the_reference_says() {
    let _alone = alone();
    for seed in 0..how_many() {
        let cancel = Rng(seed).below(1 << 31) + 1;
        check_or_shrink(seed, |code| check(code, cancel));
    }
}

#[test]
fn random_programs_dropped_half_way_leave_nothing() {
    let _alone = alone();
    for seed in 0..how_many() {
        let turns = Rng(seed).below(40);
        check_or_shrink(seed, |code| check_dropped(code, turns));
    }
}
