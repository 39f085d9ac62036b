//! Twin: fits_the_arena.rs
//! Says: a child is too large for the slots of its arena
//! Says: attempt to compute `512_usize

use giambio::{Arena, checkpoint, nursery_in, run};

static ROOM: Arena<1, 512> = Arena::new();

fn main() {
    let result = run(nursery_in(&ROOM, async |n| {
        n.spawn_wait(async {
            let buffer = [1_u8; 512];
            checkpoint().await;
            assert_eq!(buffer.len(), 512);
            Ok::<_, ()>(())
        })
        .await;
        Ok(())
    }));
    result.unwrap();
}
