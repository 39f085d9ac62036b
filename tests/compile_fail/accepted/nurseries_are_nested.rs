//! A child of an inner nursery may use the outer one: that one lives longer.

use std::cell::Cell;

use giambio::{nursery, run};

#[test]
fn an_inner_child_spawns_into_the_outer_nursery() {
    let spawned = Cell::new(0);
    run(nursery(async |outer| {
        nursery(async |inner| {
            inner.spawn(async {
                outer.spawn(async {
                    spawned.set(spawned.get() + 1);
                    Ok(())
                });
                Ok::<_, ()>(())
            });
            Ok(())
        })
        .await
    }))
    .unwrap();
    assert_eq!(spawned.get(), 1);
}

#[test]
fn a_child_opens_a_nursery_that_borrows_from_the_child() {
    run(nursery(async |n| {
        n.spawn(async {
            let local = String::from("of the child");
            nursery(async |inner| {
                inner.spawn(async {
                    assert_eq!(local, "of the child");
                    Ok::<_, ()>(())
                });
                Ok(())
            })
            .await
        });
        Ok(())
    }))
    .unwrap();
}
