//! The body of a nursery may be the name of an `async fn`.

use giambio::{Arena, Nursery, nursery, nursery_in, run};

async fn body(n: Nursery<'_, '_, &'static str>) -> Result<u8, &'static str> {
    n.spawn(async { Ok(()) });
    Ok(7)
}

#[test]
fn on_the_heap() {
    assert_eq!(run(nursery(body)), Ok(7));
}

static ROOM: Arena<2, 256> = Arena::new();

async fn body_in_an_arena(n: Nursery<'_, '_, &'static str, &'static Arena<2, 256>>) -> Result<u8, &'static str> {
    n.spawn_wait(async { Ok(()) }).await;
    Ok(7)
}

#[test]
fn in_an_arena() {
    assert_eq!(run(nursery_in(&ROOM, body_in_an_arena)), Ok(7));
}
