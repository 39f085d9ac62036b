//! Timers by the span in which they come: to set one, or to take it away, costs the same with ten and with a million.
//!
//! A slot of level `l` is a span of `2^(BITS l)` ticks, so that one of the lowest level is a single tick, and needs no order
//! but that of setting. Each level has slots for two windows: for the one in which the clock is, as many ticks as one slot of
//! the level above, and for the next. A timer lies at the lowest level where it comes in one of these. As the clock goes on
//! its slot comes near, and is spread into the levels below.
//!
//! The slots are those of Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987). A wheel whose slots are spread
//! when they begin does a lot at once, and so late; two windows let a full slot be spread bit by bit while the one before it
//! runs.
//!
//! # Invariants
//! * **CLOCK**: `reached` is not ahead of the clock, and goes on with it alone. (To go on to the soonest deadline instead
//!   would put those that are set later, and come sooner, behind it.)
//! * **WINDOW**: a timer at a level comes in the window of `reached` there, or in the next; so no slot means two spans.
//! * **BOUND**: no timer in a slot is sooner than `bound`. It may be too early: taking a timer away leaves it.
//! * **DOWNWARD**: of equal deadlines, those in lower slots were set before. So a timer goes to the highest slot on its way
//!   that has timers already, and slots are spread from the front to the ends of those below.
//! * **PLACE**: a timer's place says which slot it is in, if it is in one.

use std::boxed::Box;

use core::cell::Cell;

use super::entry::{Place, Timer};
use crate::fault::fault;
use crate::kernel::list::List;
use crate::kernel::pin_ref::PinRef;

/// See the module.
pub(super) struct Wheel<T, const BITS: u32> {
    reached: Cell<u64>,
    bound: Cell<u64>,
    /// A bit for each level that has timers.
    levels: Cell<u32>,
    /// And for each slot of it.
    occupied: [[Cell<u64>; 2]; 16],
    slots: Box<[Slot<T>]>,
}

/// The timers of one span.
struct Slot<T> {
    list: List<Timer<T>>,
    count: Cell<u32>,
}

/// The span of a slot: the `index`-th of those that a level divides time into, counted from tick 0.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) level: u32,
    index: u64,
    /// Its first tick.
    pub(super) begin: u64,
}

impl<T, const BITS: u32> Wheel<T, BITS> {
    pub(super) const LEVELS: u32 = u64::BITS.div_ceil(BITS);
    /// Two windows.
    const SLOTS: usize = 2 << BITS;

    /// An empty one, at the clock's reading.
    pub(super) fn new(now: u64) -> Self {
        const { assert!(Self::LEVELS <= 16 && Self::SLOTS <= 128, "`occupied` has room for so many") };
        let slots = (0..Self::LEVELS as usize * Self::SLOTS).map(|_| Slot { list: List::new(), count: Cell::new(0) });
        Wheel {
            reached: Cell::new(now),
            bound: Cell::new(u64::MAX),
            levels: Cell::new(0),
            occupied: [const { [const { Cell::new(0) }; 2] }; 16],
            slots: slots.collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.get() == 0
    }

    /// Nothing here is sooner.
    pub(super) fn bound(&self) -> u64 {
        self.bound.get()
    }

    pub(super) fn set_bound(&self, bound: u64) {
        self.bound.set(bound);
    }

    /// The clock has come so far, and everything sooner is gone.
    pub(super) fn reach(&self, now: u64) {
        self.reached.set(self.reached.get().max(now));
    }

    /// Takes a timer into the slot where it belongs, below level `top`. `false`: it comes too soon for a slot.
    ///
    /// # Safety
    /// It is in no list and no heap.
    pub(super) unsafe fn take_in(&self, timer: PinRef<Timer<T>>, top: u32) -> bool {
        let (deadline, reached) = (timer.deadline(), self.reached.get());
        if deadline < reached {
            return false;
        }
        // In this window of the level of the highest digit that differs; perhaps in the next of a level below.
        let mut level = (((deadline ^ reached) | 1).ilog2() / BITS).min(top - 1);
        while level > 0 && index(deadline, level * BITS) - index(reached, level * BITS) <= 1 {
            level -= 1;
        }
        // DOWNWARD.
        let mut above = self.levels.get() & !((2 << level) - 1) & ((1 << top) - 1);
        while above != 0 && !fault!("equal-deadlines-overtake") {
            let higher = above.trailing_zeros();
            above &= above - 1;
            if !self.slots[Self::slot_at(higher, index(deadline, higher * BITS))].list.is_empty() {
                level = higher;
            }
        }
        self.append(timer, level);
        true
    }

    /// Takes a timer out.
    ///
    /// # Safety
    /// PLACE: it is in the slot that its place says.
    pub(super) unsafe fn take_out(&self, timer: PinRef<Timer<T>>) {
        let place = usize::from(timer.place.replace(Place::NONE).0);
        let slot = &self.slots[place];
        // SAFETY: MEMBER, by contract.
        unsafe { slot.list.remove(timer) };
        slot.count.set(slot.count.get() - 1);
        if slot.list.is_empty() {
            self.note_empty(place);
        }
    }

    /// The first span that has timers; of two that begin at once the one of the higher level, which has the older ones. And
    /// when to begin to spread the soonest full slot of another, if that is before.
    pub(super) fn first(&self, full: u32) -> Option<(Span, u64)> {
        let mut first: Option<Span> = None;
        let mut ahead = u64::MAX;
        let mut levels = self.levels.get();
        while levels != 0 {
            let level = levels.trailing_zeros();
            levels &= levels - 1;
            let span = self.first_at(level);
            if level > 0 && self.count(span) > full {
                ahead = ahead.min(span.index.saturating_sub(1) << (level * BITS));
            }
            let is_sooner = |first: Span| span.begin <= first.begin && !fault!("far-timers-fetched-too-late");
            if first.is_none_or(is_sooner) {
                first = Some(span);
            }
        }
        first.map(|first| (first, ahead.max(self.reached.get())))
    }

    /// The first span of a level that has timers.
    fn first_at(&self, level: u32) -> Span {
        let reached = index(self.reached.get(), level * BITS);
        let here = reached as usize % Self::SLOTS;
        let [low, high] = &self.occupied[level as usize];
        let all = u128::from(low.get()) | u128::from(high.get()) << 64;
        // Turned, so that the slot of `reached` comes first.
        let turned = if here == 0 { all } else { all >> here | all << (Self::SLOTS - here) };
        let at = reached + u64::from(turned.trailing_zeros());
        Span { level, index: at, begin: at << (level * BITS) }
    }

    /// The span after that of `reached` at a level.
    pub(super) fn next_at(&self, level: u32) -> Span {
        let index = index(self.reached.get(), level * BITS) + 1;
        Span { level, index, begin: index.saturating_mul(1 << (level * BITS)) }
    }

    /// A bit for each level that has timers.
    pub(super) fn levels(&self) -> u32 {
        self.levels.get()
    }

    /// How many timers come in a span.
    pub(super) fn count(&self, span: Span) -> u32 {
        self.slot(span).count.get()
    }

    /// The timer of a span that was set before all others there.
    pub(super) fn front(&self, span: Span) -> Option<PinRef<Timer<T>>> {
        self.slot(span).list.first()
    }

    fn slot(&self, span: Span) -> &Slot<T> {
        &self.slots[Self::slot_at(span.level, span.index)]
    }

    /// The place of a span's slot.
    fn slot_at(level: u32, index: u64) -> usize {
        level as usize * Self::SLOTS + index as usize % Self::SLOTS
    }

    fn append(&self, timer: PinRef<Timer<T>>, level: u32) {
        let index = index(timer.deadline(), level * BITS);
        let place = Self::slot_at(level, index);
        let slot = &self.slots[place];
        if slot.list.is_empty() {
            let bit = place % Self::SLOTS;
            let word = &self.occupied[level as usize][bit / 64];
            word.set(word.get() | 1 << (bit % 64));
            self.levels.set(self.levels.get() | 1 << level);
            if !fault!("bound-not-lowered") {
                self.bound.set(self.bound.get().min(index << (level * BITS)));
            }
        }
        timer.place.set(Place(place as u16));
        slot.list.push(timer);
        slot.count.set(slot.count.get() + 1);
    }

    fn note_empty(&self, place: usize) {
        let (level, bit) = (place / Self::SLOTS, place % Self::SLOTS);
        let words = &self.occupied[level];
        words[bit / 64].set(words[bit / 64].get() & !(1 << (bit % 64)));
        if words[0].get() | words[1].get() == 0 {
            self.levels.set(self.levels.get() & !(1 << level));
        }
    }
}

/// Which of the spans of `2^shift` ticks a tick is in.
fn index(tick: u64, shift: u32) -> u64 {
    tick >> shift
}
