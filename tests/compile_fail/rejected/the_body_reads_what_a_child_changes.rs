//! Twin: accepted/the_body_reads_after_the_children.rs

use giambio::{nursery, run};

fn main() {
    let mut count = 0;
    let _ = run(nursery(async |n| {
        n.spawn(async {
            count += 1;
            Ok::<_, ()>(())
        });
        println!("{count}");
        Ok(())
    }));
}
