//! Handles may be kept, given to siblings and awaited, all inside the nursery.

use giambio::{Task, nursery, run};

#[test]
fn in_a_variable_of_the_body() {
    let value = run(nursery(async |n| {
        let mut kept = None;
        if kept.is_none() {
            kept = Some(n.spawn_value(async { Ok::<_, ()>(42) }));
        }
        Ok(kept.unwrap().await.unwrap())
    }));
    assert_eq!(value, Ok(42));
}

#[test]
fn a_child_awaits_its_sibling() {
    async fn double(task: Task<'_, u32>) -> Result<u32, ()> {
        Ok(task.await.map_err(|_| ())? * 2)
    }
    let value = run(nursery(async |n| {
        let first = n.spawn_value(async { Ok(21) });
        let second = n.spawn_value(double(first));
        Ok(second.await.unwrap())
    }));
    assert_eq!(value, Ok(42));
}

#[test]
fn its_value_is_returned() {
    let value = run(nursery(async |n| {
        let task = n.spawn_value(async { Ok::<_, ()>(42) });
        Ok(task.await)
    }));
    assert_eq!(value.unwrap(), Ok(42));
}
