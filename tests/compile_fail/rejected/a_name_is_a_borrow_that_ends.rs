//! Twin: accepted/any_text_names_a_child.rs
//! Says: error[E0597]: `peer` does not live long enough
//! Says: argument requires that `peer` is borrowed for `'static`

use giambio::{nursery, run};

fn main() {
    let _: Result<(), ()> = run(nursery(async |n| {
        let peer = String::from("10.0.0.1");
        n.child().name(peer.as_str()).spawn(async { Ok(()) });
        Ok(())
    }));
}
