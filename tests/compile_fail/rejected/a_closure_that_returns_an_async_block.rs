//! Twin: accepted/a_body_may_own_things.rs
//! Says: type annotations needed
//!
//! A limit of the language: such a closure can't say that its future borrows from `n`. An `async` closure can.

use giambio::{nursery, run};

fn main() {
    let _ = run(nursery(|n| async move {
        n.spawn(async { Ok::<_, ()>(()) });
        Ok(())
    }));
}
