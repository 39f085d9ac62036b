//! A result takes the place of the future that made it.

use giambio::{Arena, nursery_in, run};

static ROOM: Arena<1, 1024> = Arena::new();

fn main() {
    let result = run(nursery_in(&ROOM, async |n| {
        let Ok(task) = n.child().try_spawn_value(async { Ok([1_u8; 512]) }) else {
            return Err("no room");
        };
        Ok(task.await.unwrap().len())
    }));
    assert_eq!(result, Ok(512));
}
