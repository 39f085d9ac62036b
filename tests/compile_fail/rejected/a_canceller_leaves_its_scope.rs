//! Twin: accepted/a_canceller_is_lent_to_children.rs

use giambio::{cancel_scope, run};

fn main() {
    let canceller = run(cancel_scope(async |scope| scope)).unwrap();
    canceller.cancel();
}
