//! Twin: accepted/what_everybody_uses_is_shared.rs
//! Says: this is for the tasks of one runtime, and has no lock
//! Says: of the kind `Shared` it is: `static EVENT: Event<Shared> = Event::shared();`

use giambio::channel::Channel;
use giambio::run;

fn main() {
    let numbers = Channel::<u32, 4>::new();
    std::thread::scope(|threads| {
        threads.spawn(|| numbers.try_send(7));
        run(numbers.receive()).unwrap();
    });
}
