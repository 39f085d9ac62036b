//! Twin: accepted/a_task_stays_in_its_nursery.rs

use giambio::{nursery, run};

fn main() {
    run(async {
        let task = nursery(async |n| Ok::<_, ()>(n.spawn_value(async { Ok(42) }))).await.unwrap();
        task.await.unwrap();
    });
}
