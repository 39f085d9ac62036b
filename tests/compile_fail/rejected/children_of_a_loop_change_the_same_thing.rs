//! Twin: accepted/each_child_changes_a_part_of_its_own.rs

use giambio::{nursery, run};

fn main() {
    let mut numbers = [1, 2, 3];
    let _ = run(nursery(async |n| {
        for at in 0..3 {
            n.spawn(async {
                numbers[at] *= 2;
                Ok::<_, ()>(())
            });
        }
        Ok(())
    }));
}
