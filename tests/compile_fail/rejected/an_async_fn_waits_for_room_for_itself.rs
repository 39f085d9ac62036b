//! Twin: accepted/a_child_spawns_siblings.rs
//! Says: recursion in an async fn requires boxing
//!
//! A limit of the language: the future would contain itself. `try_spawn` takes it without an `.await`.

use giambio::{Arena, Nursery, nursery_in, run};

static ROOM: Arena<8, 512> = Arena::new();

async fn walk(n: Nursery<'_, '_, (), &'static Arena<8, 512>>, depth: u32) -> Result<(), ()> {
    if depth > 0 {
        n.spawn_wait(walk(n, depth - 1)).await;
    }
    Ok(())
}

fn main() {
    let _ = run(nursery_in(&ROOM, async |n| walk(n, 5).await));
}
