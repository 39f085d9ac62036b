//! Twin: accepted/the_body_returns_a_borrow_of_what_is_outside.rs

use giambio::{nursery, run};

fn main() {
    let length = run(nursery(async |_| {
        let words = String::from("structured concurrency");
        Ok::<_, ()>(words.as_str())
    }));
    println!("{length:?}");
}
