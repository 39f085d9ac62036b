//! What lives outside the nursery outlives its children.

use giambio::{nursery, run};

#[test]
fn by_reference() {
    run(async {
        let words = String::from("structured concurrency");
        nursery(async |n| {
            n.spawn(async {
                assert_eq!(words.len(), 22);
                Ok::<_, ()>(())
            });
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn by_reference_from_outside_the_runtime() {
    let words = String::from("structured concurrency");
    let length: Result<usize, ()> = run(nursery(async |n| {
        let task = n.spawn_value(async { Ok(words.len()) });
        Ok(task.await.unwrap())
    }));
    assert_eq!(length, Ok(22));
}

#[test]
fn a_local_of_the_body_is_moved_into_the_child() {
    run(nursery(async |n| {
        let words = String::from("structured concurrency");
        n.spawn(async move {
            assert_eq!(words.len(), 22);
            Ok::<_, ()>(())
        });
        Ok(())
    }))
    .unwrap();
}
