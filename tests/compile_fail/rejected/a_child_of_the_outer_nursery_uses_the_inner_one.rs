//! Twin: accepted/nurseries_are_nested.rs

use giambio::{nursery, run};

fn main() {
    let _ = run(nursery(async |outer| {
        nursery(async |inner| {
            outer.spawn(async {
                inner.spawn(async { Ok(()) });
                Ok::<_, ()>(())
            });
            Ok(())
        })
        .await
    }));
}
