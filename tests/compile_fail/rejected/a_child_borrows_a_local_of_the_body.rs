//! Twin: accepted/a_child_borrows_what_is_outside_the_nursery.rs

use giambio::{nursery, run};

fn main() {
    let _ = run(nursery(async |n| {
        let words = String::from("structured concurrency");
        n.spawn(async {
            println!("{}", words.len());
            Ok::<_, ()>(())
        });
        Ok(())
    }));
}
