//! Twin: accepted/each_thread_has_a_runtime_of_its_own.rs
//! Says: cannot be shared between threads safely

use std::thread;

use giambio::{nursery, run};

fn main() {
    let _ = run(nursery(async |n| {
        thread::scope(|threads| {
            threads.spawn(|| {
                n.spawn(async { Ok::<_, ()>(()) });
            });
        });
        Ok(())
    }));
}
