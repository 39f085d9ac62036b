//! Each runtime has a clock of its own, and whatever waits may be taken to another one.

use core::marker::PhantomData;
use core::ptr;
use core::time::Duration;

use crate::fault::fault;
use crate::kernel::mask::Place;
use crate::time::{Clock, Instant, Moment, moment};

/// What is known of the clock of the turn that is under way: its type is forgotten, and this is good for ever.
pub(crate) struct Current {
    hz: u64,
    lag: u64,
    moment: fn(Duration) -> Moment,
    instant_at: fn(Moment) -> Instant,
    now: unsafe fn(*const ()) -> u64,
}

impl Current {
    /// The end of a sleep that begins at `now`: never early, but at once for a span of zero.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn end_of(&self, now: u64, span: Duration) -> u64 {
        if span.is_zero() {
            return now;
        }
        let lag = if fault!("lag-forgotten") { 0 } else { self.lag };
        now.saturating_add(self.moment(span).ticks().saturating_add(lag))
    }

    pub(crate) fn instant(&self, ticks: u64) -> Instant {
        self.instant_at(Moment::at(ticks))
    }

    pub(crate) fn hz(&self) -> u64 {
        self.hz
    }

    fn moment(&self, span: Duration) -> Moment {
        (self.moment)(span)
    }

    fn instant_at(&self, at: Moment) -> Instant {
        (self.instant_at)(at)
    }
}

/// A clock, as a runtime is given it.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    clock: *const (),
    known: &'static Current,
    _borrowed: PhantomData<&'a ()>,
}

/// A clock whose type is forgotten.
pub(crate) fn given<C: Clock>(clock: &C) -> Given<'_> {
    /// # Safety
    /// A clock of this type.
    unsafe fn now<C: Clock>(clock: *const ()) -> u64 {
        // SAFETY: by contract.
        let clock = unsafe { &*clock.cast::<C>() };
        clock.now().0
    }
    let known = const {
        &Current {
            hz: C::HZ,
            lag: C::LAG,
            moment: |span| moment(C::HZ, span),
            instant_at: |at| at.instant(C::HZ),
            now: now::<C>,
        }
    };
    Given { clock: ptr::from_ref(clock).cast(), known, _borrowed: PhantomData }
}

impl Given<'_> {
    pub(crate) fn known(&self) -> &'static Current {
        self.known
    }

    pub(crate) fn now(&self) -> u64 {
        // SAFETY: `given` has put the two together, and the clock is borrowed.
        unsafe { (self.known.now)(self.clock) }
    }
}

/// The clock of the turn that is under way.
pub(crate) struct Bound {
    clock: Place<()>,
    known: Place<Current>,
}

impl Bound {
    /// A reading takes the clock, which is there during the turn alone.
    pub(crate) const IS_LENT: bool = true;

    pub(crate) const fn new() -> Self {
        Bound { clock: Place::new(ptr::null()), known: Place::new(ptr::null()) }
    }

    pub(crate) fn set(&self, given: Given<'_>) {
        self.clock.set(given.clock);
        self.known.set(given.known);
    }

    pub(crate) fn known(&self) -> Option<&'static Current> {
        // SAFETY: null, or good for ever.
        unsafe { self.known.get().as_ref() }
    }

    /// # Safety
    /// What was set last is borrowed until this returns, and nothing is set meanwhile.
    pub(crate) unsafe fn now(&self) -> Option<u64> {
        let known = self.known()?;
        // SAFETY: by contract; `set` has kept the two together.
        Some(unsafe { (known.now)(self.clock.get()) })
    }
}

/// When a sleep ends: after a span, or when its entry says.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    After(Duration),
    /// What the entry says, in nanoseconds, of which this makes ticks. The division comes with those who use it.
    At(fn(Instant, u64) -> Moment),
    /// What the entry says, in ticks.
    Ticks,
}

impl Target {
    /// With what its entry notes.
    pub(crate) fn after(span: Duration) -> (Self, u64) {
        (Target::After(span), u64::MAX)
    }

    /// With what its entry notes.
    pub(crate) fn at(instant: Instant) -> (Self, u64) {
        (Target::At(Moment::of), instant.as_nanos())
    }

    /// The end, in ticks, of what begins now.
    pub(crate) fn end(&self, noted: u64, clock: &Current, now: u64) -> u64 {
        match *self {
            Target::After(span) => clock.end_of(now, span),
            Target::At(moment) => moment(Instant::from_nanos(noted), clock.hz()).ticks(),
            Target::Ticks => noted,
        }
    }
}

impl core::fmt::Debug for Target {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Target::After(span) => span.fmt(f),
            Target::At(_) => f.write_str("until"),
            Target::Ticks => f.write_str("until tick"),
        }
    }
}

/// How often an interval ticks.
#[derive(Clone, Copy)]
pub(crate) struct Period(Duration);

impl Period {
    pub(crate) fn new(span: Duration) -> Self {
        Period(span)
    }

    pub(crate) fn span(&self) -> Duration {
        self.0
    }

    fn by(&self, clock: &Current) -> Moment {
        clock.moment(self.0)
    }
}

/// When an interval ticks next: by a clock with so many ticks in a second, counted on in these, since to make ticks of an
/// instant takes a long division.
#[derive(Clone)]
pub(crate) struct Due {
    at: Moment,
    hz: u64,
    /// What makes ticks of an instant, where there is one: only some intervals need it.
    convert: Option<fn(Moment, u64, u64) -> Moment>,
}

impl Due {
    /// Is what is noted all that the entry needs?
    pub(crate) const IS_NOTED: bool = false;

    /// What the entry of the next tick notes.
    pub(crate) fn noted(&self) -> u64 {
        u64::MAX
    }

    /// One period from now.
    pub(crate) fn from_now(clock: &Current, now: u64, period: &Period) -> Self {
        let at = Moment::at(now).later(period.by(clock));
        Due { at, hz: hz_of(clock), convert: None }
    }

    pub(crate) fn first(instant: Instant) -> Self {
        let convert = |at: Moment, from, to| Moment::of(at.instant(from), to);
        Due { at: Moment::at(instant.as_nanos()), hz: crate::time::NANOS, convert: Some(convert) }
    }

    /// In ticks of this clock. If it has another rate than the one before, an interval that has no first instant begins anew.
    pub(crate) fn by(&mut self, clock: &Current, now: impl FnOnce() -> u64, period: &Period) -> u64 {
        let hz = hz_of(clock);
        if self.hz != hz {
            match self.convert {
                Some(convert) => self.at = convert(self.at, self.hz, hz),
                None => *self = Due::from_now(clock, now(), period),
            }
            self.hz = hz;
        }
        self.at.ticks()
    }

    /// It has come at `ticks` of this clock, whose rate may be another than that of the clock that it was counted by.
    pub(crate) fn came(&mut self, clock: &Current, ticks: u64) {
        let hz = hz_of(clock);
        if cfg!(feature = "std") && self.hz != hz {
            self.at = self.convert.map_or(Moment::at(ticks), |convert| convert(self.at, self.hz, hz));
            self.hz = hz;
        }
    }

    /// One period on.
    pub(crate) fn step(&mut self, clock: &Current, period: &Period) {
        self.at = self.at.later(period.by(clock));
    }

    pub(crate) fn instant(&self, clock: &Current) -> Instant {
        clock.instant_at(self.at)
    }
}

fn hz_of(clock: &Current) -> u64 {
    if fault!("rates-cut-short") { clock.hz() & 0xffff_ffff } else { clock.hz() }
}

impl core::fmt::Debug for Due {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.at.instant(self.hz).fmt(f)
    }
}
