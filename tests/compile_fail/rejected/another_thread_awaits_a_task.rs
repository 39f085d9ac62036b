//! Twin: accepted/each_thread_has_a_runtime_of_its_own.rs
//! Says: cannot be sent between threads safely

use std::thread;

use giambio::{nursery, run};

fn main() {
    let _ = run(nursery(async |n| {
        let task = n.spawn_value(async { Ok::<_, ()>(42) });
        thread::scope(|threads| {
            threads.spawn(move || task.cancel());
        });
        Ok(())
    }));
}
