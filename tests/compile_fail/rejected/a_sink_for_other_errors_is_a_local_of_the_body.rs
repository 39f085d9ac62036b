//! Twin: accepted/a_sink_for_other_errors_is_outside.rs

use giambio::{nursery, run};

fn main() {
    let _: Result<(), u8> = run(nursery(async |n| {
        let sink = |error| println!("{error}");
        n.on_other_error(&sink);
        n.fail(1);
        n.fail(2);
        Ok(())
    }));
}
