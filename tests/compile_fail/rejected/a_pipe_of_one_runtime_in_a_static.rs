//! Twin: accepted/what_everybody_uses_is_shared.rs
//! Says: this is for the tasks of one runtime, and has no lock
//! Says: of the kind `Shared` it is: `static EVENT: Event<Shared> = Event::shared();`

use giambio::channel::Pipe;

static BYTES: Pipe<4> = Pipe::new();

fn main() {
    let _ = BYTES.try_send(b"7");
}
