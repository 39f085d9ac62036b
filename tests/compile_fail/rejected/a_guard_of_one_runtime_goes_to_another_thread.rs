//! Twin: accepted/what_everybody_uses_is_shared.rs
//! Says: this is for the tasks of one runtime, and has no lock
//! Says: of the kind `Shared` it is: `static EVENT: Event<Shared> = Event::shared();`

use giambio::run;
use giambio::sync::Mutex;

fn main() {
    let total = Mutex::new(0);
    let guard = run(total.lock());
    std::thread::scope(|threads| {
        threads.spawn(move || drop(guard));
    });
}
