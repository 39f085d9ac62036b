//! Arenas for programs: each nursery in one has it to itself.

use std::cell::Cell;
use std::sync::Mutex;

use giambio_core::Arena;

const BYTES: usize = 320;

/// Arenas of each size, borrowed for a while.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    One(&'static Arena<1, BYTES>),
    Two(&'static Arena<2, BYTES>),
    Three(&'static Arena<3, BYTES>),
    Four(&'static Arena<4, BYTES>),
    Roomy(&'static Arena<{ Place::ROOMY }, BYTES>),
}

impl Place {
    /// Enough for the children of any nursery.
    pub(crate) const ROOMY: usize = 8;

    fn new(places: usize) -> Place {
        match places {
            1 => Place::One(Box::leak(Box::new(Arena::new()))),
            2 => Place::Two(Box::leak(Box::new(Arena::new()))),
            3 => Place::Three(Box::leak(Box::new(Arena::new()))),
            4 => Place::Four(Box::leak(Box::new(Arena::new()))),
            _ => Place::Roomy(Box::leak(Box::new(Arena::new()))),
        }
    }

    pub(crate) fn used(self) -> usize {
        match self {
            Place::One(arena) => arena.used(),
            Place::Two(arena) => arena.used(),
            Place::Three(arena) => arena.used(),
            Place::Four(arena) => arena.used(),
            Place::Roomy(arena) => arena.used(),
        }
    }
}

/// Those that no program has at the moment, by their size. Never given back: they live in statics.
static FREE: Mutex<[Vec<Place>; Place::ROOMY + 1]> = Mutex::new([const { Vec::new() }; _]);

/// What one program has borrowed.
#[derive(Default)]
pub(crate) struct Arenas(Cell<Vec<(usize, Place)>>);

impl Arenas {
    pub(crate) fn borrow(&self, places: usize) -> Place {
        let place = FREE.lock().unwrap()[places].pop().unwrap_or_else(|| Place::new(places));
        let mut borrowed = self.0.take();
        borrowed.push((places, place));
        self.0.set(borrowed);
        place
    }

    /// How many places are taken in all of them.
    pub(crate) fn used(&self) -> usize {
        let borrowed = self.0.take();
        let used = borrowed.iter().map(|(_, place)| place.used()).sum();
        self.0.set(borrowed);
        used
    }
}

impl Drop for Arenas {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap();
        for (places, place) in self.0.take() {
            // One with a place that is taken for good is of no use to the next program.
            if place.used() == 0 {
                free[places].push(place);
            }
        }
    }
}
