//! Twin: accepted/a_body_may_own_things.rs
//!
//! A limit of the language: what a child borrows has to outlive any lifetime that this `n` could have.

use giambio::{Nursery, nursery, run};

fn main() {
    let words = String::from("structured concurrency");
    let body = async |n: Nursery<'_, '_, ()>| {
        n.spawn(async {
            println!("{}", words.len());
            Ok(())
        });
        Ok(())
    };
    let _ = run(nursery(body));
}
