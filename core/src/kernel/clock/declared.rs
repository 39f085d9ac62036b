//! The program has one clock. What `clock!` declares is a constant to a linker that optimizes, and so is each span that was
//! known to the compiler.

use core::time::Duration;

use crate::time::{Clock, Instant, Moment, moment};

// What `clock!` defines.
unsafe extern "Rust" {
    safe fn _giambio_now() -> u64;
    safe static _GIAMBIO_HZ: u64;
    safe static _GIAMBIO_LAG: u64;
}

/// The program's clock.
pub(crate) struct Current;

impl Current {
    pub(crate) fn moment(&self, span: Duration) -> Moment {
        moment(_GIAMBIO_HZ, span)
    }

    pub(crate) fn instant_at(&self, at: Moment) -> Instant {
        at.instant(_GIAMBIO_HZ)
    }

    pub(crate) fn hz(&self) -> u64 {
        _GIAMBIO_HZ
    }

    fn lag(&self) -> u64 {
        _GIAMBIO_LAG
    }

    /// The end of a sleep that begins at `now`.
    pub(crate) fn end_of(&self, now: u64, span: Duration) -> u64 {
        now.saturating_add(ticks_of(span))
    }

    pub(crate) fn instant(&self, ticks: u64) -> Instant {
        self.instant_at(Moment::at(ticks))
    }
}

/// How long a sleep is: never too short, but nothing for a span of zero.
fn ticks_of(span: Duration) -> u64 {
    if span.is_zero() { 0 } else { Current.moment(span).ticks().saturating_add(Current.lag()) }
}

/// That a runtime was given a clock.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a>(core::marker::PhantomData<&'a ()>);

/// # Panics
/// If it has another rate than the one that was declared.
pub(crate) fn given<C: Clock>(_: &C) -> Given<'_> {
    assert!(C::HZ == _GIAMBIO_HZ, "giambio: the program has declared a clock of another rate");
    Given(core::marker::PhantomData)
}

impl Given<'_> {
    pub(crate) fn known(&self) -> &'static Current {
        &Current
    }

    pub(crate) fn now(&self) -> u64 {
        _giambio_now()
    }
}

/// The clock of the turn that is under way.
pub(crate) struct Bound;

impl Bound {
    /// It is there for ever.
    pub(crate) const IS_LENT: bool = false;

    pub(crate) const fn new() -> Self {
        Bound
    }

    pub(crate) fn set(&self, _: Given<'_>) {}

    pub(crate) fn known(&self) -> Option<&'static Current> {
        Some(&Current)
    }

    /// # Safety
    /// None is needed here.
    pub(crate) unsafe fn now(&self) -> Option<u64> {
        Some(_giambio_now())
    }
}

/// When a sleep ends: so many ticks from now, or at the one that its entry says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    After,
    Ticks,
}

impl Target {
    /// With what its entry notes.
    pub(crate) fn after(span: Duration) -> (Self, u64) {
        (Target::After, ticks_of(span))
    }

    /// With what its entry notes.
    pub(crate) fn at(instant: Instant) -> (Self, u64) {
        (Target::Ticks, Moment::of(instant, _GIAMBIO_HZ).ticks())
    }

    /// The end, in ticks, of what begins now.
    pub(crate) fn end(&self, noted: u64, _: &Current, now: u64) -> u64 {
        match self {
            Target::After => now.saturating_add(noted),
            Target::Ticks => noted,
        }
    }
}

/// How often an interval ticks.
#[derive(Clone, Copy)]
pub(crate) struct Period(Moment);

impl Period {
    pub(crate) fn new(span: Duration) -> Self {
        Period(Current.moment(span))
    }

    pub(crate) fn span(&self) -> Duration {
        Current.instant_at(self.0) - Instant::from_nanos(0)
    }
}

/// When an interval ticks next.
#[derive(Clone)]
pub(crate) struct Due(Moment);

impl Due {
    /// Is what is noted all that the entry needs?
    pub(crate) const IS_NOTED: bool = true;

    /// What the entry of the next tick notes.
    pub(crate) fn noted(&self) -> u64 {
        self.0.ticks()
    }

    /// One period from now.
    pub(crate) fn from_now(_: &Current, now: u64, period: &Period) -> Self {
        Due(Moment::at(now).later(period.0))
    }

    pub(crate) fn first(instant: Instant) -> Self {
        Due(Moment::of(instant, _GIAMBIO_HZ))
    }

    pub(crate) fn by(&mut self, _: &Current, _: impl FnOnce() -> u64, _: &Period) -> u64 {
        self.0.ticks()
    }

    /// There is one clock.
    pub(crate) fn came(&mut self, _: &Current, _: u64) {}

    /// One period on.
    pub(crate) fn step(&mut self, _: &Current, period: &Period) {
        self.0 = self.0.later(period.0);
    }

    pub(crate) fn instant(&self, clock: &Current) -> Instant {
        clock.instant_at(self.0)
    }
}

impl core::fmt::Debug for Due {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.instant(&Current).fmt(f)
    }
}
