//! Twin: accepted/each_thread_has_a_runtime_of_its_own.rs
//! Says: cannot be sent between threads safely

use std::thread;

use giambio::{Runtime, VirtualClock};

fn main() {
    let runtime = Box::pin(Runtime::new(VirtualClock::<1000>::new(), async { 7 }));
    thread::spawn(move || {
        let mut runtime = runtime;
        let _ = runtime.as_mut().turn();
    });
}
