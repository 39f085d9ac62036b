//! Runs cases, and says how each ended.

use board::println;

use crate::world;

/// A case gets the board's own clock; most live in a virtual world instead.
pub(crate) type Case = (&'static str, fn(board::Clock));

/// Lists functions as cases.
macro_rules! cases {
    ($($name:ident,)*) => {
        pub(super) const CASES: &[crate::runner::Case] = &[$((stringify!($name), |_| $name())),*];
    };
}
pub(crate) use cases;

/// Prints the name of each, and ends with 0 if all pass. The first that fails panics, which ends it with 101.
pub(crate) fn run(all: &[(&str, &[Case])]) -> ! {
    let board = board::start();
    let mut count = 0;
    for (module, cases) in all {
        for (name, case) in *cases {
            println!("test {module}::{name} ...");
            case(board.clock);
            world::everything_is_free();
            println!("test {module}::{name} ... ok");
            count += 1;
        }
    }
    println!("{count} passed");
    board::exit(0)
}
