//! What children borrow is declared before the nursery that they live in.

use std::pin::pin;

use giambio::{nursery, run};

#[test]
fn declared_before() {
    run(async {
        let words = String::from("structured concurrency");
        let nursery = pin!(nursery(async |n| {
            n.spawn(async {
                assert_eq!(words.len(), 22);
                Ok::<_, ()>(())
            });
            Ok(())
        }));
        nursery.await.unwrap();
    });
}

#[test]
fn moved_when_the_nursery_is_over() {
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
        drop(words);
    });
}
