//! Random programs whose pieces do not stay where they are: scopes that are cancelled side by side and at the same moment,
//! nurseries that are dropped half-way, shields and clean-ups that are kept, polled by somebody else and carried into code
//! that is cancelled already, wakers that poll or drop what they find.
//!
//! Nothing is said of what becomes of each, but of all: a program that is cancelled comes to its end, without a turn more
//! than it takes; what is dropped with its nursery sees that it was cut off; nothing is left. `GIAMBIO_PROGRAMS` says how
//! many, from the seed `GIAMBIO_FIRST_PROGRAM` on. A program that goes wrong is made smaller and printed.
#![cfg(all(feature = "alloc", feature = "std"))]

mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{Live, Rng, audit, foreign_yield, seeds};
use futures::StreamExt;
use futures::future::{join_all, select};
use futures::stream::FuturesUnordered;
use giambio_core::*;

/// A piece of a program. Spans are short, so that much happens at once.
#[derive(Clone, Debug)]
enum Code {
    Sleep(u64),
    Yield,
    ForeignYield,
    /// Goes on in cancelled code, too.
    ForeignSleep(u64),
    /// Only where something around it ends it.
    Forever,
    Stopping,
    Seq(Vec<Code>),
    Deadline(u64, Box<Code>),
    /// Cancelled by a neighbour, and asked to stop before.
    Scope(u64, Box<Code>),
    Shield(Box<Code>),
    ShieldFor(u64, Box<Code>),
    Finally(Box<Code>, Box<Code>),
    FinallyFor(u64, Box<Code>, Box<Code>),
    /// A race; a body that is shielded; and some children come later.
    Nursery(Box<Code>, Vec<Kid>, bool, bool),
    Join(Vec<Code>),
    Set(Vec<Code>),
    Select(Box<Code>, Box<Code>),
    /// Begins it, polls it so often, and lays it down there for others.
    Keep(usize, u64, Box<Code>),
    /// Takes what lies there, polls it so often, and then…
    Take(usize, u64, Then),
    /// With a waker that does something with what lies there.
    Meddled(usize, Then, Box<Code>),
}

#[derive(Clone, Debug)]
struct Kid {
    code: Code,
    cancelled_after: Option<u64>,
    fails: bool,
    daemon: bool,
    /// When the body is over.
    late: bool,
}

/// What becomes of what was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Dropped,
    LaidBack,
    Awaited,
}

/// Those that lie here come to an end by themselves; those in the last one may not.
const PLACES: usize = 3;

struct Maker {
    rng: Rng,
    size: u32,
}

impl Maker {
    fn span(&mut self) -> u64 {
        self.rng.below(5)
    }

    /// `ends`: by itself.
    fn boxed(&mut self, ends: bool) -> Box<Code> {
        Box::new(self.code(ends))
    }

    fn several(&mut self, ends: bool, most: u64) -> Vec<Code> {
        (0..self.rng.below(most + 1)).map(|_| self.code(ends)).collect()
    }

    fn place(&mut self, ends: bool) -> usize {
        self.rng.below(if ends { PLACES as u64 - 1 } else { PLACES as u64 }) as usize
    }

    fn then(&mut self) -> Then {
        [Then::Dropped, Then::LaidBack, Then::Awaited][self.rng.below(3) as usize]
    }

    fn code(&mut self, ends: bool) -> Code {
        if self.size == 0 {
            return Code::Sleep(self.span());
        }
        self.size -= 1;
        match self.rng.below(33) {
            0 | 1 => Code::Sleep(self.span()),
            2 => Code::Yield,
            3 => Code::ForeignYield,
            4 | 5 if !ends => Code::Forever,
            6 if !ends => Code::Stopping,
            4..7 => Code::Sleep(self.span()),
            7 | 8 => Code::Seq(self.several(ends, 3)),
            9 => Code::Deadline(self.span(), self.boxed(false)),
            10 | 11 => Code::Scope(self.span(), self.boxed(false)),
            12 | 13 => Code::Shield(self.boxed(true)),
            14 => Code::ShieldFor(self.span(), self.boxed(ends)),
            15 | 16 => Code::Finally(self.boxed(ends), self.boxed(true)),
            17 => Code::FinallyFor(self.span(), self.boxed(ends), self.boxed(true)),
            18..21 => self.nursery(ends),
            21 | 22 => Code::Join(self.several(ends, 3)),
            23 => Code::Set(self.several(ends, 3)),
            24 => Code::Select(self.boxed(ends), self.boxed(ends)),
            25 | 26 => {
                let place = self.place(false);
                Code::Keep(place, self.rng.below(3), self.boxed(place + 1 < PLACES))
            }
            29..33 => Code::ForeignSleep(self.span()),
            27 | 28 => Code::Take(self.place(ends), self.rng.below(3), self.then()),
            _ => Code::Meddled(self.place(ends), self.then(), self.boxed(ends)),
        }
    }

    fn nursery(&mut self, ends: bool) -> Code {
        let kids = (0..self.rng.below(4))
            .map(|_| Kid {
                code: self.code(ends),
                cancelled_after: self.rng.one_in(4).then(|| self.span()),
                fails: self.rng.one_in(6),
                daemon: self.rng.one_in(6),
                late: self.rng.one_in(4),
            })
            .collect();
        let shielded = self.rng.one_in(4);
        Code::Nursery(self.boxed(ends || shielded), kids, self.rng.one_in(5), shielded)
    }
}

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static LYING: RefCell<[Vec<Boxed>; PLACES]> = const { RefCell::new([const { Vec::new() }; PLACES]) };
    static WRONG: Cell<Option<&'static str>> = const { Cell::new(None) };
    /// How many wakers are at it in each other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

fn take(place: usize) -> Option<Boxed> {
    LYING.with_borrow_mut(|lying| lying[place].pop())
}

fn lay(place: usize, future: Boxed) {
    // The oldest may go.
    let old = LYING.with_borrow_mut(|lying| {
        lying[place].push(future);
        (lying[place].len() > 4).then(|| lying[place].remove(0))
    });
    drop(old);
}

/// Polls what somebody else has begun. It is over then, or was cut short, or was told in cancelled code to stay where it is:
/// else it may go on.
fn poll_carried(future: &mut Boxed, cx: &mut Context<'_>) -> Poll<()> {
    match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
            if !text.is_some_and(|text| text.starts_with("giambio: a future was polled on")) {
                std::panic::resume_unwind(payload);
            }
            Poll::Ready(())
        }
    }
}

struct Meddler(Waker, usize, Then);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
        // Outside of a runtime what it would poll has no clock.
        if DEPTH.get() > 2 || !in_runtime() {
            return;
        }
        DEPTH.set(DEPTH.get() + 1);
        if let Some(mut future) = take(self.1) {
            let waker = if self.2 == Then::Awaited { &self.0 } else { Waker::noop() };
            let poll = poll_carried(&mut future, &mut Context::from_waker(waker));
            if poll.is_pending() && !is_cancelled() && self.2 != Then::Dropped {
                lay(self.1, future);
            }
        }
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// What a child has: dropped before its end, it was cut off.
struct Unfinished(bool);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.0 && !is_cancelled() && !thread::panicking() {
            WRONG.set(Some("a child that is dropped before its end does not see that it is cancelled"));
        }
    }
}

fn nanos(span: u64) -> Duration {
    Duration::from_nanos(span)
}

fn run(live: Live, code: Code) -> Boxed {
    Box::pin(async move {
        let _object = live.object();
        match code {
            Code::Sleep(span) => sleep(nanos(span)).await,
            Code::Yield => checkpoint().await,
            Code::ForeignYield => foreign_yield().await,
            Code::ForeignSleep(span) => foreign_sleep(span).await,
            Code::Forever => pending().await,
            Code::Stopping => stopping().await,
            Code::Seq(steps) => {
                for step in steps {
                    run(live.clone(), step).await;
                }
            }
            Code::Deadline(span, body) => drop(move_on_after(nanos(span), run(live, *body)).await),
            Code::Scope(span, body) => {
                let scope = cancel_scope(async |scope| {
                    let neighbour = async {
                        sleep(nanos(span / 2)).await;
                        scope.ask_to_stop();
                        sleep(nanos(span.div_ceil(2))).await;
                        scope.cancel();
                        pending::<()>().await
                    };
                    select(pin!(neighbour), run(live, *body)).await;
                });
                let _ = scope.await;
            }
            Code::Shield(body) => shield(run(live, *body)).await,
            Code::ShieldFor(grace, body) => shield_for(nanos(grace), run(live, *body)).await,
            Code::Finally(body, clean_up) => {
                finally(run(live.clone(), *body), async || run(live, *clean_up).await).await
            }
            Code::FinallyFor(grace, body, clean_up) => {
                finally_for(nanos(grace), run(live.clone(), *body), async || run(live, *clean_up).await).await;
            }
            Code::Nursery(body, kids, race, shielded) => run_nursery(live, *body, kids, race, shielded).await,
            Code::Join(all) => drop(join_all(all.into_iter().map(|code| run(live.clone(), code))).await),
            Code::Set(all) => {
                let mut all: FuturesUnordered<_> = all.into_iter().map(|code| run(live.clone(), code)).collect();
                while all.next().await.is_some() {}
            }
            Code::Select(left, right) => drop(select(run(live.clone(), *left), run(live, *right)).await),
            Code::Keep(place, polls, body) => {
                let body = run(live, *body);
                carry(place, polls, body, Then::LaidBack).await;
            }
            Code::Take(place, polls, then) => {
                if let Some(future) = take(place) {
                    carry(place, polls, future, then).await;
                }
            }
            Code::Meddled(place, then, body) => {
                let mut body = run(live, *body);
                poll_fn(|cx| {
                    let waker = Waker::from(Arc::new(Meddler(cx.waker().clone(), place, then)));
                    body.as_mut().poll(&mut Context::from_waker(&waker))
                })
                .await;
            }
        }
    })
}

async fn carry(place: usize, polls: u64, mut future: Boxed, then: Then) {
    for _ in 0..polls {
        let poll = poll_fn(|cx| Poll::Ready(poll_carried(&mut future, cx))).await;
        // In cancelled code it was told to stay, so it must not go on elsewhere.
        if poll.is_ready() || is_cancelled() {
            return;
        }
        checkpoint().await;
    }
    match then {
        Then::Dropped => {}
        Then::LaidBack => lay(place, future),
        Then::Awaited => poll_fn(|cx| poll_carried(&mut future, cx)).await,
    }
}

async fn run_nursery(live: Live, body: Code, kids: Vec<Kid>, race: bool, shielded: bool) {
    let _: Result<(), ()> = nursery(async |n| {
        if race {
            n.race();
        }
        let spawn = |Kid { code, cancelled_after, fails, daemon, .. }| {
            let live = live.clone();
            let child = async move {
                let mut unfinished = Unfinished(false);
                run(live, code).await;
                unfinished.0 = true;
                if fails { Err(()) } else { Ok(()) }
            };
            let task = if daemon { n.child().daemon().spawn(child) } else { n.spawn(child) };
            if let Some(span) = cancelled_after {
                n.spawn(async move {
                    sleep(nanos(span)).await;
                    task.cancel();
                    Ok(())
                });
            }
        };
        let (late, kids): (Vec<Kid>, Vec<Kid>) = kids.into_iter().partition(|kid| kid.late);
        kids.into_iter().for_each(&spawn);
        let body = async {
            run(live.clone(), body.clone()).await;
            late.into_iter().for_each(&spawn);
            run(live.clone(), body).await;
        };
        if shielded {
            shield(body).await
        } else {
            body.await
        }
        Ok(())
    })
    .await;
}

thread_local! {
    static FOREIGN_TIMERS: RefCell<Vec<(u64, Waker)>> = const { RefCell::new(Vec::new()) };
}

/// As a timer of another library.
async fn foreign_sleep(span: u64) {
    let until = NOW.get() + span + 1;
    poll_fn(|cx| {
        if NOW.get() >= until {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        FOREIGN_TIMERS.with_borrow_mut(|timers| timers.push((until, waker)));
        Poll::Pending
    })
    .await
}

thread_local!(static NOW: Cell<u64> = const { Cell::new(0) });

/// Time passes, to that moment.
fn fire_foreign_timers(now: u64) {
    NOW.set(now);
    let mut timers = FOREIGN_TIMERS.take();
    let due: Vec<_> = timers.extract_if(.., |(until, _)| *until <= now).collect();
    FOREIGN_TIMERS.with_borrow_mut(|newer| newer.append(&mut timers));
    due.into_iter().for_each(|(_, waker)| waker.wake());
}

/// More time, and more turns without that it passes, than any of them takes.
const TIME: u64 = 3_000;
const TURNS: u32 = 3_000;

fn check(code: &Code, cancelled_at: u64) -> Result<(), String> {
    let live = Live::new();
    let clock: VirtualClock<1_000_000_000> = VirtualClock::new();
    WRONG.set(None);
    NOW.set(0);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let main = move_on_after(nanos(cancelled_at), run(live.clone(), code.clone()));
        let mut runtime = pin!(Runtime::new(&clock, main));
        let mut turns = 0;
        loop {
            turns += 1;
            let next = runtime.as_mut().turn();
            audit(runtime.as_mut(), false)?;
            let foreign = FOREIGN_TIMERS.with_borrow(|timers| timers.iter().map(|(until, _)| *until).min());
            let until = match next {
                Next::Finished(_) => return Ok(()),
                Next::Wait(Until::Now) if turns > TURNS => return Err("it turns without end".to_owned()),
                Next::Wait(Until::Now) => continue,
                Next::Wait(Until::OnWake) => foreign,
                Next::Wait(Until::At(tick)) => Some(foreign.map_or(tick.0, |foreign| foreign.min(tick.0))),
            };
            match until {
                None => return Err("all wait for ever".to_owned()),
                Some(until) if until > TIME => return Err("it goes on for ever".to_owned()),
                Some(until) => {
                    turns = 0;
                    clock.advance_to(Tick(until));
                    fire_foreign_timers(until);
                }
            }
        }
    }));
    let lying = LYING.take();
    DEPTH.set(0);
    let ended = match ended {
        Ok(ended) => ended,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
            Err(format!("it panics: {text:?}"))
        }
    };
    drop(lying);
    drop(LYING.take());
    drop(FOREIGN_TIMERS.take());
    ended?;
    if let Some(wrong) = WRONG.get() {
        return Err(wrong.to_owned());
    }
    match live.left() {
        0 => Ok(()),
        left => Err(format!("{left} pieces are left")),
    }
}

impl Code {
    fn parts_mut(&mut self) -> Vec<&mut Code> {
        match self {
            Code::Sleep(_)
            | Code::ForeignSleep(_)
            | Code::Yield
            | Code::ForeignYield
            | Code::Forever
            | Code::Stopping
            | Code::Take(..) => Vec::new(),
            Code::Seq(all) | Code::Join(all) | Code::Set(all) => all.iter_mut().collect(),
            Code::Deadline(_, body)
            | Code::Scope(_, body)
            | Code::Shield(body)
            | Code::ShieldFor(_, body)
            | Code::Keep(_, _, body)
            | Code::Meddled(_, _, body) => vec![body],
            Code::Finally(left, right) | Code::FinallyFor(_, left, right) | Code::Select(left, right) => {
                vec![left, right]
            }
            Code::Nursery(body, kids, ..) => {
                [&mut **body].into_iter().chain(kids.iter_mut().map(|kid| &mut kid.code)).collect()
            }
        }
    }

    /// Does it come to an end by itself, and what is in it, as it must?
    fn is_fair(&self, ends: bool) -> bool {
        match self {
            Code::Forever | Code::Stopping => !ends,
            Code::Sleep(_) | Code::Yield | Code::ForeignYield | Code::ForeignSleep(_) => true,
            Code::Seq(all) | Code::Join(all) | Code::Set(all) => all.iter().all(|code| code.is_fair(ends)),
            Code::Deadline(_, body) | Code::Scope(_, body) => body.is_fair(false),
            Code::Shield(body) => body.is_fair(true),
            Code::ShieldFor(_, body) => body.is_fair(ends),
            Code::Meddled(place, _, body) => body.is_fair(ends) && !(ends && place + 1 == PLACES),
            Code::Keep(place, _, body) => body.is_fair(place + 1 < PLACES),
            Code::Take(place, ..) => !(ends && place + 1 == PLACES),
            Code::Finally(body, clean_up) | Code::FinallyFor(_, body, clean_up) => {
                body.is_fair(ends) && clean_up.is_fair(true)
            }
            Code::Select(left, right) => left.is_fair(ends) && right.is_fair(ends),
            Code::Nursery(body, kids, _, shielded) => {
                body.is_fair(ends || *shielded) && kids.iter().all(|kid| kid.code.is_fair(ends))
            }
        }
    }

    /// Programs that are a little smaller.
    fn smaller(&self) -> Vec<Code> {
        let mut copy = self.clone();
        let mut all: Vec<Code> = copy.parts_mut().into_iter().map(|part| part.clone()).collect();
        let parts: Vec<Code> = all.clone();
        for (i, part) in parts.iter().enumerate() {
            for smaller in part.smaller() {
                let mut code = self.clone();
                *code.parts_mut()[i] = smaller;
                all.push(code);
            }
        }
        let fewer = |steps: &Vec<Code>, make: fn(Vec<Code>) -> Code| -> Vec<Code> {
            let without =
                |i| steps.iter().enumerate().filter(|(at, _)| *at != i).map(|(_, step)| step.clone()).collect();
            (0..steps.len()).map(|i| make(without(i))).collect()
        };
        match self {
            Code::Seq(steps) => all.extend(fewer(steps, Code::Seq)),
            Code::Join(steps) => all.extend(fewer(steps, Code::Join)),
            Code::Set(steps) => all.extend(fewer(steps, Code::Set)),
            Code::Nursery(body, kids, race, shielded) => {
                for i in 0..kids.len() {
                    let mut fewer = kids.clone();
                    let kid = fewer.remove(i);
                    all.push(Code::Nursery(body.clone(), fewer, *race, *shielded));
                    for simple in [
                        Kid { cancelled_after: None, ..kid.clone() },
                        Kid { fails: false, ..kid.clone() },
                        Kid { daemon: false, ..kid.clone() },
                        Kid { late: false, ..kid.clone() },
                    ] {
                        let mut kids = kids.clone();
                        kids[i] = simple;
                        all.push(Code::Nursery(body.clone(), kids, *race, *shielded));
                    }
                }
                all.push(Code::Nursery(body.clone(), kids.clone(), false, *shielded));
                all.push(Code::Nursery(body.clone(), kids.clone(), *race, false));
            }
            Code::ShieldFor(_, body) => all.push(Code::Shield(body.clone())),
            Code::FinallyFor(_, body, clean_up) => all.push(Code::Finally(body.clone(), clean_up.clone())),
            Code::Keep(place, polls, body) if *polls > 0 => all.push(Code::Keep(*place, polls - 1, body.clone())),
            Code::Take(place, polls, then) if *polls > 0 => all.push(Code::Take(*place, polls - 1, *then)),
            Code::Sleep(span) if *span > 0 => all.push(Code::Sleep(span - 1)),
            _ => {}
        }
        if !matches!(self, Code::Seq(steps) if steps.is_empty()) {
            all.push(Code::Seq(Vec::new()));
        }
        all
    }

    /// How much there is to read; numbers count by their value.
    fn size(&self) -> usize {
        let text = format!("{self:?}").replace("false", "");
        let digits = text.bytes().filter(u8::is_ascii_digit).map(|digit| usize::from(digit - b'0'));
        text.len() + digits.sum::<usize>()
    }
}

#[test]
fn random_programs_whose_pieces_are_carried_about_come_to_their_end() {
    // What was cut short and is polled on panics, as it must.
    std::panic::set_hook(Box::new(|_| {}));
    let wrong = seeds(6_000).find_map(|seed| {
        let mut maker = Maker { rng: Rng(seed ^ 0x7363_6f70_6573), size: 5 + (seed % 50) as u32 };
        let mut code = Code::Join((0..3).map(|_| maker.code(false)).collect());
        let cancelled_at = maker.span() * 3;
        let error = check(&code, cancelled_at).err()?;
        let is_smaller = |smaller: &Code, code: &Code| smaller.is_fair(false) && smaller.size() < code.size();
        let goes_wrong = |smaller: &Code| check(smaller, cancelled_at).err().as_ref() == Some(&error);
        while let Some(smaller) =
            code.smaller().into_iter().find(|smaller| is_smaller(smaller, &code) && goes_wrong(smaller))
        {
            code = smaller;
        }
        Some(format!("program {seed}, cancelled at {cancelled_at}, made smaller: {code:#?}\n{error}"))
    });
    let _ = std::panic::take_hook();
    assert_eq!(wrong, None);
}
