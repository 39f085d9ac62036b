//! Twin: accepted/an_arena_is_static.rs
//! Says: `giambio::Unbounded` is not

use giambio::{Arena, nursery_in, run};

static ROOM: Arena<2, 256> = Arena::new();

fn main() {
    let _ = run(nursery_in(&ROOM, async |n| {
        n.spawn(async { Ok::<_, ()>(()) });
        Ok(())
    }));
}
