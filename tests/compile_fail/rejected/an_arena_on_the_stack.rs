//! Twin: accepted/an_arena_is_static.rs

use giambio::{Arena, nursery_in, run};

fn main() {
    let room = Arena::<2, 256>::new();
    let _ = run(nursery_in(&room, async |n| {
        n.spawn_wait(async { Ok::<_, ()>(()) }).await;
        Ok(())
    }));
}
