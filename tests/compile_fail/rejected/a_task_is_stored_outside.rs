//! Twin: accepted/a_task_stays_in_its_nursery.rs

use giambio::{nursery, run};

fn main() {
    run(async {
        let mut kept = None;
        let _ = nursery(async |n| {
            kept = Some(n.spawn_value(async { Ok::<_, ()>(42) }));
            Ok(())
        })
        .await;
        kept.unwrap().await.unwrap();
    });
}
