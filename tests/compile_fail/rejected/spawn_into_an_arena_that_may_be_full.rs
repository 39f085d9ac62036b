//! Twin: accepted/an_arena_is_static.rs
//! Says: `spawn` needs a nursery that always has room
//! Says: an arena may be full: `try_spawn` says so, `spawn_wait` waits for room

use giambio::{Arena, nursery_in, run};

static ROOM: Arena<2, 256> = Arena::new();

fn main() {
    let _ = run(nursery_in(&ROOM, async |n| {
        n.spawn(async { Ok::<_, ()>(()) });
        Ok(())
    }));
}
