//! Children may spawn into their own nursery, also themselves again.

use std::cell::Cell;

use giambio::{Arena, Nursery, SpawnError, nursery, nursery_in, run};

async fn walk(n: Nursery<'_, '_, ()>, depth: u32) -> Result<(), ()> {
    if depth > 0 {
        n.spawn(walk(n, depth - 1));
        n.spawn(walk(n, depth - 1));
    }
    Ok(())
}

#[test]
fn an_async_fn_spawns_itself() {
    run(nursery(async |n| walk(n, 4).await)).unwrap();
}

struct Node {
    value: u32,
    children: Vec<Node>,
}

async fn sum<'env>(n: Nursery<'_, 'env, ()>, node: &'env Node, total: &'env Cell<u32>) -> Result<(), ()> {
    total.set(total.get() + node.value);
    for child in &node.children {
        n.spawn(sum(n, child, total));
    }
    Ok(())
}

#[test]
fn the_tree_it_walks_is_borrowed() {
    let leaf = |value| Node { value, children: Vec::new() };
    let tree = Node { value: 1, children: vec![leaf(2), leaf(3)] };
    let total = Cell::new(0);
    run(nursery(async |n| sum(n, &tree, &total).await)).unwrap();
    assert_eq!(total.get(), 6);
}

#[test]
fn in_an_arena() {
    static ROOM: Arena<8, 512> = Arena::new();

    async fn walk(n: Nursery<'_, '_, &'static str, &'static Arena<8, 512>>, depth: u32) -> Result<(), &'static str> {
        if depth > 0 {
            n.try_spawn(walk(n, depth - 1)).map_err(|error| match error {
                SpawnError::Full { .. } => "full",
                _ => "cancelled",
            })?;
        }
        Ok(())
    }
    run(nursery_in(&ROOM, async |n| walk(n, 5).await)).unwrap();
    assert_eq!(ROOM.used(), 0);
}
