//! The reference: what must become of a program, by its times alone.

use crate::code::{Code, Handle, Kid, Way};

pub(crate) const NEVER: u64 = u64::MAX;

/// What can be seen of a program: when, which number, what.
pub(crate) type Event = (u64, u32, &'static str);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum How {
    Done,
    Failed(u32),
    /// It suspends for good in a cancelled scope, and may be dropped from then on.
    Cancelled,
    /// With one of these numbers.
    Panicked(Vec<u32>),
}

#[derive(Clone, Debug)]
pub(crate) struct Fate {
    pub(crate) end: u64,
    pub(crate) how: How,
    pub(crate) events: Vec<Event>,
    /// Events that depend on who of two is polled first when one of them panics.
    pub(crate) maybe: Vec<Event>,
    /// From when to when which bombs are armed.
    armed: Vec<(u64, u64, u32)>,
}

impl Fate {
    fn new(end: u64, how: How) -> Fate {
        Fate { end, how, events: Vec::new(), maybe: Vec::new(), armed: Vec::new() }
    }

    fn cancelled(at: u64) -> Fate {
        Fate::new(at, How::Cancelled)
    }

    /// Has it a result of its own?
    fn is_ready(&self) -> bool {
        matches!(self.how, How::Done | How::Failed(_))
    }

    fn has_panicked(&self) -> bool {
        matches!(self.how, How::Panicked(_))
    }

    /// What only runs after this one is at its end.
    fn then(mut self, next: impl FnOnce(u64) -> Fate) -> Fate {
        let next = next(self.end);
        self.take(&next);
        Fate { end: next.end, how: next.how, ..self }
    }

    /// What happens in another fate happens here.
    fn take(&mut self, other: &Fate) {
        self.events.extend(&other.events);
        self.maybe.extend(&other.maybe);
        self.armed.extend(&other.armed);
    }

    /// The bombs that go off if it is dropped then.
    fn bombs(&self, at: u64) -> Vec<u32> {
        let live = self.armed.iter().filter(|(from, to, _)| *from <= at && at < *to);
        live.map(|(.., number)| *number).collect()
    }

    /// What happens before `at`, when it is dropped.
    fn cut(&mut self, at: u64) {
        let events = std::mem::take(&mut self.events);
        self.events = events.iter().copied().filter(|event| event.0 < at).collect();
        self.maybe.extend(events.iter().filter(|event| event.0 == at));
        self.maybe.retain(|event| event.0 <= at);
        for armed in &mut self.armed {
            armed.1 = armed.1.min(at);
        }
    }

    /// If it is cancelled: it is dropped as soon as that may be.
    pub(crate) fn dropped(mut self) -> Fate {
        if self.how == How::Cancelled {
            let bombs = self.bombs(self.end);
            if !bombs.is_empty() {
                self.how = How::Panicked(bombs);
            }
            for armed in &mut self.armed {
                armed.1 = armed.1.min(self.end);
            }
        }
        self
    }
}

/// What becomes of `code` that starts at `start` in a scope that is cancelled at `cancel`.
pub(crate) fn fate(code: &Code, start: u64, cancel: u64) -> Fate {
    let done = Fate::new(start, How::Done);
    match code {
        Code::Sleep(number, span) => {
            let end = start + span;
            if cancel <= start || end > cancel {
                return Fate::cancelled(cancel.max(start));
            }
            Fate { events: vec![(end, *number, "slept")], ..Fate::new(end, How::Done) }
        }
        Code::Yield | Code::Remote if cancel <= start => Fate::cancelled(start),
        Code::Yield | Code::Remote => done,
        Code::Use(..) if cancel <= start => Fate::cancelled(start),
        Code::Use(number, _) => Fate { events: vec![(start, *number, "used")], ..done },
        Code::Fail(number) => Fate { how: How::Failed(*number), events: vec![(start, *number, "failed")], ..done },
        Code::Panic(number) => {
            Fate { how: How::Panicked(vec![*number]), events: vec![(start, *number, "panicked")], ..done }
        }
        Code::Guarded(..) if cancel <= start => Fate::cancelled(start),
        Code::Guarded(number, body) => {
            let mut inner = suspending(body, start, cancel);
            let defused = if inner.how == How::Cancelled { NEVER } else { inner.end };
            inner.armed.push((start, defused, *number));
            inner
        }
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
        Code::Catch(body) => shielded(fate(body, start, cancel)),
        Code::Deadline(span, body) => {
            let deadline = start + span;
            caught(fate(body, start, cancel.min(deadline)), |inner| deadline <= inner.end)
        }
        Code::Moved { first, after, second, body } => {
            let (first, after, second) = (start + first, start + after, start + second);
            // Who would move it is in the scope too, and waits for nothing but the time.
            let deadline = if first <= after || cancel <= after { first } else { second };
            caught(fate(body, start, cancel.min(deadline)), |inner| deadline <= inner.end)
        }
        Code::Scope(span, body) => {
            let deadline = start + span;
            // Who cancels a scope from inside can't do so when the code around it was cancelled before.
            caught(fate(body, start, cancel.min(deadline)), |_| deadline <= cancel)
        }
        Code::Shield(_) | Code::ShieldFor(..) | Code::Finally(..) | Code::FinallyFor(..) if cancel <= start => {
            Fate::cancelled(start)
        }
        Code::Shield(body) => shielded(fate(body, start, NEVER)),
        Code::ShieldFor(grace, body) => shielded(fate(body, start, cancel.saturating_add(*grace)).dropped()),
        Code::Finally(number, body, clean_up) => clean(*number, fate(body, start, cancel), clean_up, NEVER),
        Code::FinallyFor(number, grace, body, clean_up) => {
            let body = fate(body, start, cancel);
            // Its grace begins when it is cancelled, or begins in code that is.
            let grace_ends = cancel.max(body.end).saturating_add(*grace);
            clean(*number, body, clean_up, if cancel == NEVER { NEVER } else { grace_ends })
        }
        Code::Join(left, right) => {
            together(start, vec![suspending(left, start, cancel), suspending(right, start, cancel)])
        }
        Code::Set(all) => together(start, all.iter().map(|code| suspending(code, start, cancel)).collect()),
        Code::Select(left, right) => {
            let (left, right) = (suspending(left, start, cancel), suspending(right, start, cancel));
            let first_is_left = match (left.how == How::Cancelled, right.how == How::Cancelled) {
                (true, true) => return together(start, vec![left, right]),
                (false, true) => true,
                (true, false) => false,
                (false, false) => left.end <= right.end,
            };
            let (mut winner, mut loser) = if first_is_left { (left, right) } else { (right, left) };
            let bombs = loser.bombs(winner.end);
            match &mut winner.how {
                // Dropped while the panic unwinds.
                How::Panicked(numbers) => numbers.extend(bombs),
                _ if bombs.is_empty() => {}
                how => *how = How::Panicked(bombs),
            }
            loser.cut(winner.end);
            winner.take(&loser);
            winner
        }
        Code::Nursery { body, kids, places, race } => nursery(body, kids, *places, *race, start, cancel),
        // It moves by way of a nursery.
        Code::Through(Way::Moves, _) if cancel <= start => Fate::cancelled(start),
        Code::Through(Way::Late, body) => late(body, start, cancel),
        Code::Through(_, body) => fate(body, start, cancel),
    }
}

/// Code whose first poll comes only after a suspension.
fn late(body: &Code, start: u64, cancel: u64) -> Fate {
    if cancel <= start { Fate::cancelled(start) } else { fate(body, start, cancel) }
}

/// The fate of `code` with a suspension after it.
pub(crate) fn suspending(code: &Code, start: u64, cancel: u64) -> Fate {
    let mut inner = fate(code, start, cancel);
    if inner.is_ready() && inner.end > cancel {
        inner.how = How::Cancelled;
    }
    inner
}

/// A scope of which `is_cancelled` says whether it was cancelled itself: the innermost catches.
fn caught(inner: Fate, is_cancelled: impl FnOnce(&Fate) -> bool) -> Fate {
    let is_cancelled = is_cancelled(&inner);
    // If a scope around it was cancelled, it drops its code as soon, and has no result.
    let mut inner = inner.dropped();
    if inner.how == How::Cancelled && is_cancelled {
        inner.how = How::Done;
    }
    inner
}

/// Nobody looks at its result.
fn shielded(mut inner: Fate) -> Fate {
    if inner.is_ready() {
        inner.how = How::Done;
    }
    inner
}

/// Code that is polled by one task side by side, until all of it has ended.
fn together(start: u64, mut all: Vec<Fate>) -> Fate {
    let mut sum = Fate::new(start, How::Done);
    let panic = all.iter().filter(|fate| fate.has_panicked()).map(|fate| fate.end).min();
    if let Some(at) = panic {
        // It unwinds them all.
        let mut numbers = Vec::new();
        for fate in &mut all {
            match &fate.how {
                How::Panicked(own) if fate.end == at => numbers.extend(own),
                _ => {
                    numbers.extend(fate.bombs(at));
                    fate.cut(at);
                }
            }
            sum.take(fate);
        }
        return Fate { end: at, how: How::Panicked(numbers), ..sum };
    }
    for fate in &all {
        sum.take(fate);
        sum.end = sum.end.max(fate.end);
    }
    sum.how = match all.iter().find(|fate| fate.how == How::Cancelled) {
        Some(_) => How::Cancelled,
        None => all.into_iter().map(|fate| fate.how).find(|how| *how != How::Done).unwrap_or(How::Done),
    };
    sum
}

fn clean(number: u32, body: Fate, clean_up: &Code, cancel: u64) -> Fate {
    let body = body.dropped();
    let how = body.how.clone();
    let mut after = body.then(|now| {
        let mut inner = suspending(clean_up, now, cancel);
        inner.events.insert(0, (now, number, "clean-up begins"));
        if inner.is_ready() {
            inner.events.push((inner.end, number, "clean-up ends"));
        }
        inner.dropped()
    });
    // Also if the clean-up was cut short: what the body has come to isn't lost. Of two panics the first goes on.
    if !after.has_panicked() || matches!(how, How::Panicked(_)) {
        after.how = how;
    }
    after
}

fn nursery(body: &Code, kids: &[Kid], places: Option<usize>, race: bool, start: u64, cancel: u64) -> Fate {
    let members = Members { body, kids, places };
    let mut family = members.fates(start, cancel, cancel, None);
    let mut cancel_kids = cancel;
    if race {
        let own = |(i, kid): (usize, &Option<KidFate>)| {
            kid.as_ref().filter(|kid| !kid.daemon && kid.own.is_ready()).map(|kid| (kid.own.end, i))
        };
        if let Some((end, _)) = family.kids.iter().enumerate().filter_map(own).min() {
            cancel_kids = cancel.min(end);
            family = members.fates(start, cancel, cancel_kids, Some(Kept { until: end, family: &family }));
        }
    }
    // The first failure cancels the rest. That of a daemon which was only cancelled since all the
    // others had ended comes too late for that.
    if let Some(end) = family.first_failure().filter(|end| *end < cancel) {
        let known = Some(Kept { until: end, family: &family });
        family = members.fates(start, end, end.min(cancel_kids), known);
    }
    let mut all = Fate::new(start, How::Done);
    let mut failures = Vec::new();
    let mut panics: Vec<(u64, Vec<u32>)> = Vec::new();
    for fate in family.members() {
        all.take(fate);
        all.end = all.end.max(fate.end);
        match &fate.how {
            How::Failed(number) => failures.push((fate.end, *number)),
            How::Panicked(numbers) => panics.push((fate.end, numbers.clone())),
            How::Done | How::Cancelled => {}
        }
    }
    failures.sort_unstable();
    all.events.extend(failures.iter().skip(1).map(|(at, number)| (*at, *number, "failed too")));
    let first_panic = panics.iter().map(|(at, _)| *at).min();
    all.how = match (first_panic, failures.first()) {
        (Some(first), _) => {
            How::Panicked(panics.into_iter().filter(|(at, _)| *at == first).flat_map(|(_, numbers)| numbers).collect())
        }
        (None, Some((_, number))) => How::Failed(*number),
        // Cancelled, or done by then? Nothing here can tell the difference: see `suspends`.
        (None, None) if all.end >= cancel => How::Cancelled,
        (None, None) => How::Done,
    };
    all
}

/// A nursery's body and children.
#[derive(Clone, Copy)]
struct Members<'a> {
    body: &'a Code,
    kids: &'a [Kid],
    places: Option<usize>,
}

/// Their fates. A child that was never spawned has none.
struct Family {
    body: Fate,
    kids: Vec<Option<KidFate>>,
    /// When the body and all but daemons have ended.
    served: u64,
}

struct KidFate {
    daemon: bool,
    own: Fate,
    /// Who waits for it.
    waiter: Option<Fate>,
    /// Whom it spawns.
    then: Option<Fate>,
}

/// What is known already: up to that moment all is as it was.
struct Kept<'a> {
    until: u64,
    family: &'a Family,
}

impl Kept<'_> {
    fn or(old: Option<&Fate>, until: u64, new: impl FnOnce() -> Fate) -> Fate {
        match old {
            Some(old) if old.end <= until => old.clone(),
            _ => new(),
        }
    }
}

impl Members<'_> {
    /// Their fates, if the nursery is cancelled at `cancel` and its children at `cancel_kids`.
    fn fates(self, start: u64, cancel: u64, cancel_kids: u64, known: Option<Kept<'_>>) -> Family {
        let until = known.as_ref().map_or(0, |known| known.until);
        let old_kid = |i: usize| known.as_ref().and_then(|known| known.family.kids[i].as_ref());

        let mut now = start;
        let mut taken: Vec<u64> = Vec::new();
        let mut is_cut_off = false;
        let mut awaited = None;
        let mut starts = vec![None; self.kids.len()];
        let mut kids: Vec<Option<KidFate>> = Vec::new();
        for (i, kid) in self.kids.iter().enumerate() {
            if let Some(places) = self.places {
                let in_use: Vec<u64> = taken.iter().copied().filter(|until| *until > now).collect();
                if in_use.len() >= places {
                    if kid.only_if_room {
                        kids.push(None);
                        continue;
                    }
                    let room = in_use.into_iter().min().unwrap_or(NEVER);
                    if room >= cancel {
                        is_cut_off = true;
                        break;
                    }
                    now = room;
                }
            }
            starts[i] = Some(now);
            let old = old_kid(i);
            let own = Kept::or(old.map(|old| &old.own), until, || kid_fate(kid, now, cancel_kids));
            taken.push(if kid.handle == Handle::Dropped { own.end } else { NEVER });
            let arrives = own.how == How::Done && own.end < cancel_kids;
            let waiter = (kid.handle == Handle::AwaitedBySibling).then(|| {
                Kept::or(old.and_then(|old| old.waiter.as_ref()), until, || match arrives {
                    true => {
                        let events = vec![(own.end, kid.number, "has a value")];
                        Fate { events, ..Fate::new(own.end, How::Done) }
                    }
                    false => Fate::cancelled(own.end.min(cancel_kids.max(now))),
                })
            });
            if kid.handle == Handle::Awaited {
                awaited = Some((kid.number, own.end, arrives));
            }
            let then = kid.then.as_ref().filter(|_| own.how == How::Done).map(|then| {
                Kept::or(old.and_then(|old| old.then.as_ref()), until, || match cancel_kids <= own.end {
                    true => Fate::cancelled(own.end),
                    false => fate(then, own.end, cancel_kids).dropped(),
                })
            });
            kids.push(Some(KidFate { daemon: kid.daemon, own, waiter, then }));
        }
        kids.resize_with(self.kids.len(), || None);

        let old = known.as_ref().map(|known| &known.family.body);
        let body = Kept::or(old, until, || match awaited {
            _ if is_cut_off => Fate::cancelled(cancel.max(now)),
            None => fate(self.body, now, cancel).dropped(),
            Some((number, end, true)) => {
                // It may have come to its end before all others were spawned.
                let now = end.max(now);
                let mut body = fate(self.body, now, cancel);
                body.events.push((now, number, "has a value"));
                body.dropped()
            }
            // The nursery is cancelled while the body waits: from outside, or by that very child.
            Some((_, end, false)) => Fate::cancelled(if cancel == NEVER { end } else { cancel.max(now) }),
        });

        let ends = kids.iter().flatten().filter(|kid| !kid.daemon).flat_map(KidFate::all).map(|fate| fate.end);
        let served = ends.max().unwrap_or(start).max(body.end);
        for (i, kid) in kids.iter_mut().enumerate() {
            if let (Some(kid), Some(start)) = (kid, starts[i])
                && kid.daemon
                && kid.own.end > served
            {
                kid.own = kid_fate(&self.kids[i], start, cancel_kids.min(served));
            }
        }
        Family { body, kids, served }
    }
}

impl KidFate {
    fn all(&self) -> impl Iterator<Item = &Fate> {
        [Some(&self.own), self.waiter.as_ref(), self.then.as_ref()].into_iter().flatten()
    }
}

impl Family {
    fn members(&self) -> impl Iterator<Item = &Fate> {
        [&self.body].into_iter().chain(self.kids.iter().flatten().flat_map(KidFate::all))
    }

    /// When the nursery is cancelled because one of them fails.
    fn first_failure(&self) -> Option<u64> {
        let fails = |fate: &&Fate| matches!(fate.how, How::Failed(_) | How::Panicked(_));
        self.members().filter(fails).map(|fate| fate.end).filter(|end| *end <= self.served).min()
    }
}

/// The fate of a child that is spawned at `start` into a nursery that is cancelled at `cancel`.
fn kid_fate(kid: &Kid, start: u64, cancel: u64) -> Fate {
    let cancel = match kid.handle {
        Handle::CancelledAfter(span) => cancel.min(start + span),
        _ => cancel,
    };
    match kid.after {
        Some(span) if cancel <= start || start + span > cancel => Fate::cancelled(cancel.max(start)),
        Some(span) => suspending(&kid.code, start + span, cancel).dropped(),
        None if cancel <= start => Fate::cancelled(start),
        None => suspending(&kid.code, start, cancel).dropped(),
    }
}
