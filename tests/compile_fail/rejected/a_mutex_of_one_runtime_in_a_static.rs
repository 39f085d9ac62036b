//! Twin: accepted/what_everybody_uses_is_shared.rs
//! Says: this is for the tasks of one runtime, and has no lock
//! Says: of the kind `Shared` it is: `static EVENT: Event<Shared> = Event::shared();`

use giambio::sync::Mutex;

static TOTAL: Mutex<u32> = Mutex::new(0);

fn main() {
    drop(TOTAL.try_lock());
}
