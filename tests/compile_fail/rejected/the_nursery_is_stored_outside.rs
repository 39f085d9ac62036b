//! Twin: accepted/the_nursery_stays_inside.rs

use giambio::{Nursery, nursery, run};

fn main() {
    let mut kept: Option<Nursery<'_, '_, ()>> = None;
    let _ = run(nursery(async |n| {
        kept = Some(n);
        Ok(())
    }));
    kept.unwrap().spawn(async { Ok(()) });
}
