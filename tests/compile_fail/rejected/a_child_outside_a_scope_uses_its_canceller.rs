//! Twin: accepted/a_canceller_is_lent_to_children.rs

use giambio::{cancel_scope, nursery, run};

fn main() {
    let _ = run(nursery(async |n| {
        let _ = cancel_scope(async |scope| {
            n.spawn(async move {
                scope.cancel();
                Ok::<_, ()>(())
            });
        })
        .await;
        Ok(())
    }));
}
