//! Twin: accepted/the_nursery_stays_inside.rs

use giambio::{nursery, run};

fn main() {
    let n = run(nursery(async |n| Ok::<_, ()>(n))).unwrap();
    n.spawn(async { Ok(()) });
}
