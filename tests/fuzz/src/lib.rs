//! What bytes from outside may be turned into, and what must hold of it. Each target takes bytes and
//! panics if something is wrong; `tests/by_chance.rs` and the program in `bins` feed them.

mod addresses;
mod arenas;
mod nb_operations;
mod spans;
mod timers;

pub use addresses::addresses;
pub use arenas::arenas;
pub use nb_operations::nb;
pub use spans::spans;
pub use timers::timers;

/// All of them, by name.
pub const TARGETS: [(&str, fn(&[u8])); 5] =
    [("addresses", addresses), ("arenas", arenas), ("nb", nb), ("spans", spans), ("timers", timers)];
