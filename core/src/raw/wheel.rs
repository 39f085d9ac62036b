//! Deadlines that are far off, in no order but that of their slots: most are removed before they come near.
//!
//! A deadline is read in units of 2^20 ticks (1 ms where a tick is a nanosecond), and the unit as digits to base 16.
//! An entry lies at the level of the highest digit in which its unit differs from the unit that the wheel has
//! reached, in the slot of its own digit there. So everything at one level comes before everything at the next, and
//! the first slot of the lowest level has the soonest entries of all. When they are wanted, the wheel goes on to the
//! soonest unit among them: those of that unit leave, to be put in order by a [`Heap`](super::heap::Heap), and the
//! others go down by one level at least.
//!
//! Setting and removing an entry is a few pointer writes at any number of entries; one that stays until it is due
//! moves at most eleven times, as a rule three. The wheel goes on when the soonest is asked for, not with the clock,
//! so that a sleep ends at a deadline and never at the border of a slot.
//!
//! The slots are those of Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987); going on to the
//! soonest is the radix heap's way, from Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest path
//! problem" (1990).
//!
//! # Invariants
//! * **LATER**: the unit of an entry is later than the one reached, and its level and slot are as said above.
//! * **LINKED**: slots are lists of live entries (PINNED), linked both ways; the first has no `prev`. A bit is set
//!   for each slot that isn't empty, and for each level with such a slot.

use core::cell::Cell;
use core::ptr;

use super::heap::Entry;

/// Ticks in a unit, as a power of two.
const UNIT: u32 = 20;
/// Bits of a digit.
const DIGIT: u32 = 4;
const DIGITS: usize = 1 << DIGIT;
const LEVELS: usize = (u64::BITS - UNIT).div_ceil(DIGIT) as usize;

/// See the module.
pub(crate) struct Wheel {
    /// The unit that has been reached. What comes in it, or before, is none of the wheel's.
    reached: Cell<u64>,
    len: Cell<u32>,
    /// A bit for each level, and for each slot of a level, that has entries.
    levels: Cell<u16>,
    occupied: [Cell<u16>; LEVELS],
    slots: [[Cell<*const Entry>; DIGITS]; LEVELS],
}

/// Where an entry lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u8);

impl Slot {
    /// In no wheel.
    pub(crate) const NONE: Slot = Slot(u8::MAX);

    fn level(self) -> usize {
        usize::from(self.0) / DIGITS
    }

    fn digit(self) -> usize {
        usize::from(self.0) % DIGITS
    }
}

/// Entries that have left a wheel, linked through `next`.
pub(crate) struct Left(*const Entry);

impl Wheel {
    pub(crate) const fn new() -> Self {
        Wheel {
            reached: Cell::new(0),
            len: Cell::new(0),
            levels: Cell::new(0),
            occupied: [const { Cell::new(0) }; LEVELS],
            slots: [const { [const { Cell::new(ptr::null()) }; DIGITS] }; LEVELS],
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len.get()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.levels.get() == 0
    }

    /// Takes the entry in, unless it comes too soon.
    ///
    /// # Safety
    /// The entry is in no wheel and no heap, pinned, and taken out before it dies.
    #[inline]
    pub(crate) unsafe fn take_in(&self, entry: &Entry) -> bool {
        let unit = entry.deadline() >> UNIT;
        if unit <= self.reached.get() {
            return false;
        }
        let level = (unit ^ self.reached.get()).ilog2() / DIGIT;
        let digit = (unit >> (level * DIGIT)) as usize % DIGITS;
        let level = level as usize;
        let slot = &self.slots[level][digit];
        let first = slot.replace(entry);
        entry.link(ptr::null(), first);
        // SAFETY: LINKED.
        if let Some(first) = unsafe { first.as_ref() } {
            first.set_prev(entry);
        }
        entry.set_slot(Slot((level * DIGITS + digit) as u8));
        self.occupied[level].set(self.occupied[level].get() | 1 << digit);
        self.levels.set(self.levels.get() | 1 << level);
        self.len.set(self.len.get() + 1);
        true
    }

    /// Takes the entry out. Its links are what they were.
    ///
    /// # Safety
    /// It is in this wheel.
    #[inline]
    pub(crate) unsafe fn take_out(&self, entry: &Entry) {
        let slot = entry.slot();
        let (prev, next) = entry.links();
        // SAFETY: LINKED.
        match unsafe { prev.as_ref() } {
            Some(prev) => prev.set_next(next),
            None => {
                self.slots[slot.level()][slot.digit()].set(next);
                if next.is_null() {
                    self.note_empty(slot);
                }
            }
        }
        // SAFETY: LINKED.
        if let Some(next) = unsafe { next.as_ref() } {
            next.set_prev(prev);
        }
        entry.set_slot(Slot::NONE);
        self.len.set(self.len.get() - 1);
    }

    fn note_empty(&self, slot: Slot) {
        let occupied = &self.occupied[slot.level()];
        occupied.set(occupied.get() & !(1 << slot.digit()));
        if occupied.get() == 0 {
            self.levels.set(self.levels.get() & !(1 << slot.level()));
        }
    }

    /// Goes on to the soonest unit. Those that come in it leave; there is one at least, unless the wheel is empty.
    pub(crate) fn go_on(&self) -> Left {
        let Some(slot) = self.first_slot() else { return Left(ptr::null()) };
        let list = self.empty(slot);
        let mut soonest = u64::MAX;
        let mut at = list.0;
        // SAFETY: LINKED, here and below.
        while let Some(entry) = unsafe { at.as_ref() } {
            soonest = soonest.min(entry.deadline() >> UNIT);
            at = entry.links().1;
        }
        // All of the others differ from it where they differed from the unit before, or lower if they were in this slot.
        self.reached.set(soonest);
        let mut left = ptr::null();
        for entry in list {
            // SAFETY: it was in this wheel until now, so all that is asked for holds (LINKED).
            if unsafe { !self.take_in(&*entry) } {
                // SAFETY: LINKED.
                unsafe { &*entry }.set_next(left);
                left = entry;
            }
        }
        Left(left)
    }

    /// Begins anew at the unit of this deadline. All leave.
    pub(crate) fn begin_at(&self, deadline: u64) -> Left {
        let mut left = ptr::null();
        while let Some(slot) = self.first_slot() {
            for entry in self.empty(slot) {
                // SAFETY: LINKED.
                unsafe { &*entry }.set_next(left);
                left = entry;
            }
        }
        self.reached.set(deadline >> UNIT);
        Left(left)
    }

    /// Where the soonest entries are.
    fn first_slot(&self) -> Option<Slot> {
        if self.is_empty() {
            return None;
        }
        let level = self.levels.get().trailing_zeros() as usize;
        let digit = self.occupied[level].get().trailing_zeros() as usize;
        Some(Slot((level * DIGITS + digit) as u8))
    }

    /// Lets all entries of a slot go.
    fn empty(&self, slot: Slot) -> Left {
        let list = self.slots[slot.level()][slot.digit()].replace(ptr::null());
        self.note_empty(slot);
        let mut at = list;
        // SAFETY: LINKED.
        while let Some(entry) = unsafe { at.as_ref() } {
            entry.set_slot(Slot::NONE);
            self.len.set(self.len.get() - 1);
            at = entry.links().1;
        }
        Left(list)
    }
}

impl Left {
    /// Others that are linked through `next`, alive and in no other list.
    pub(super) fn of(first: *const Entry) -> Left {
        Left(first)
    }
}

/// Each may be linked anew once it has come out.
impl Iterator for Left {
    type Item = *const Entry;

    fn next(&mut self) -> Option<*const Entry> {
        // SAFETY: LINKED: they are alive, and in nobody else's list.
        let entry = unsafe { self.0.as_ref() }?;
        self.0 = entry.links().1;
        Some(entry)
    }
}
