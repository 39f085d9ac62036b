//! Twin: accepted/each_child_changes_a_part_of_its_own.rs

use giambio::{nursery, run};

fn main() {
    let mut count = 0;
    let _ = run(nursery(async |n| {
        n.spawn(async {
            count += 1;
            Ok::<_, ()>(())
        });
        n.spawn(async {
            count += 2;
            Ok(())
        });
        Ok(())
    }));
}
