//! Twin: accepted/an_arena_is_static.rs
//! Says: Arena<0, _> holds no task: choose TASKS >= 1

use giambio::Arena;

static ROOM: Arena<0, 256> = Arena::new();

fn main() {
    println!("{ROOM:?}");
}
