//! Twin: fits_the_arena_with_its_result.rs
//! Says: a child is too large for the slots of its arena
//! Says: attempt to compute `512_usize

use giambio::{Arena, nursery_in, run};

static ROOM: Arena<1, 512> = Arena::new();

fn main() {
    let result = run(nursery_in(&ROOM, async |n| {
        let Ok(task) = n.child().try_spawn_value(async { Ok([1_u8; 512]) }) else {
            return Err("no room");
        };
        Ok(task.await.unwrap().len())
    }));
    assert_eq!(result, Ok(512));
}
