//! Nurseries in an arena: the children live in a `static`.

use giambio::{Arena, SpawnError, nursery_in, run};

static ROOM: Arena<2, 256> = Arena::new();

#[test]
fn try_spawn_hands_back_what_finds_no_room() {
    static ROOM: Arena<1, 256> = Arena::new();
    run(nursery_in(&ROOM, async |n| {
        assert!(n.try_spawn(async { Ok(()) }).is_ok());
        match n.try_spawn(async { Ok(()) }) {
            Err(SpawnError::Full { capacity: 1, future }) => future.await,
            _ => Err("there was room"),
        }
    }))
    .unwrap();
}

#[test]
fn spawn_wait_waits_for_room() {
    run(nursery_in(&ROOM, async |n| {
        for _ in 0..10 {
            n.spawn_wait(async { Ok::<_, ()>(()) }).await;
        }
        Ok(())
    }))
    .unwrap();
}

#[test]
fn a_leaked_one_is_as_good() {
    let room: &'static Arena<2, 256> = Box::leak(Box::default());
    run(nursery_in(room, async |n| {
        n.spawn_wait(async { Ok::<_, ()>(()) }).await;
        Ok(())
    }))
    .unwrap();
}
