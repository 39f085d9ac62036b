//! Twin: accepted/each_thread_has_a_runtime_of_its_own.rs
//! Says: cannot be sent between threads safely

use std::thread;

use giambio::{nursery, run};

fn main() {
    let nursery = nursery(async |n| {
        n.spawn(async { Ok::<_, ()>(()) });
        Ok(())
    });
    thread::spawn(move || run(nursery));
}
