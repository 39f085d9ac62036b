//! A child that finds room in its arena.

use giambio::{Arena, checkpoint, nursery_in, run};

static ROOM: Arena<1, 1024> = Arena::new();

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
