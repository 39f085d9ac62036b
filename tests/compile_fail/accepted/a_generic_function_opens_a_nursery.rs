//! Nurseries work inside generic code, and their `n` may be generic in its lifetimes, its error and its storage.

use std::cell::Cell;
use std::fmt::Debug;

use giambio::{Arena, Nursery, Storage, nursery, nursery_in, run};

/// All results, in order; the first error cancels the rest.
async fn all<T, E, F>(futures: impl IntoIterator<Item = F>) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>>,
{
    nursery(async |n| {
        let tasks: Vec<_> = futures.into_iter().map(|future| n.spawn_value(future)).collect();
        let mut values = Vec::new();
        for task in tasks {
            if let Ok(value) = task.await {
                values.push(value);
            }
        }
        Ok(values)
    })
    .await
}

#[test]
fn a_join_of_many() {
    let words = ["1", "2", "3"];
    let numbers = run(all(words.iter().map(async |word| word.parse::<u8>())));
    assert_eq!(numbers, Ok(vec![1, 2, 3]));
}

/// Calls `each` with every item, in a child of `n`.
fn for_each<'scope, 'env, I, E, F>(n: Nursery<'scope, 'env, E>, items: &'env [I], each: &'env impl Fn(&'env I) -> F)
where
    F: Future<Output = Result<(), E>> + 'scope,
{
    for item in items {
        n.spawn(each(item));
    }
}

#[test]
fn a_helper_that_spawns() {
    let seen = Cell::new(0);
    let items = [1, 2, 3];
    let each = |item: &'_ u32| {
        seen.set(seen.get() + *item);
        async { Ok::<_, ()>(()) }
    };
    run(nursery(async |n| {
        for_each(n, &items, &each);
        Ok(())
    }))
    .unwrap();
    assert_eq!(seen.get(), 6);
}

/// Works in any storage.
async fn spawn_two<E: Debug, S: Storage>(n: Nursery<'_, '_, E, S>) {
    n.spawn_wait(async { Ok(()) }).await;
    n.spawn_wait(async { Ok(()) }).await;
}

#[test]
fn a_helper_for_every_storage() {
    static ROOM: Arena<2, 256> = Arena::new();
    run(async {
        nursery(async |n| {
            spawn_two(n).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        nursery_in(&ROOM, async |n| {
            spawn_two(n).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

/// A wrapper takes a body as `nursery` does.
async fn named<'env, T, E: 'env, F>(name: &str, body: F) -> Result<T, (String, E)>
where
    F: for<'scope> AsyncFnOnce(Nursery<'scope, 'env, E>) -> Result<T, E>,
{
    nursery(body).await.map_err(|error| (name.to_owned(), error))
}

#[test]
fn a_wrapper_with_a_body() {
    let result: Result<(), _> = run(named("download", async |n| {
        n.spawn(async { Err("offline") });
        Ok(())
    }));
    assert_eq!(result, Err(("download".to_owned(), "offline")));
}
