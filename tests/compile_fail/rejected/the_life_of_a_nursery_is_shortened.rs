//! Twin: accepted/the_nursery_stays_inside.rs

use giambio::{Nursery, nursery, run};

fn shorten<'short, 'scope: 'short, 'env: 'scope, E>(n: Nursery<'scope, 'env, E>) -> Nursery<'short, 'env, E> {
    n
}

fn main() {
    let _ = run(nursery(async |n| {
        shorten(n).spawn(async { Ok::<_, ()>(()) });
        Ok(())
    }));
}
