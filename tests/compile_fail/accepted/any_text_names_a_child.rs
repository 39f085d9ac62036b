//! Text that is gone after the call names a child as well as a literal does.
#![allow(clippy::needless_borrows_for_generic_args, reason = "borrowed text is what is tried")]

use std::borrow::Cow;
use std::convert::Infallible;

use giambio::{Nursery, checkpoint, nursery, run};

fn serve(n: Nursery<'_, '_, Infallible>, peer: &str, number: &String) {
    n.child().name("literal").spawn(async { Ok(()) });
    n.child().name(&format!("client {peer}")).spawn(async { Ok(()) });
    n.child().name(format!("client {peer}")).daemon().spawn(async { Ok(()) });
    n.child().name(number).spawn(async { Ok(()) });
    n.child().name(peer.to_owned()).spawn(async { Ok(()) });
    n.child().name(Cow::Borrowed("borrowed")).spawn(async { Ok(()) });
}

#[test]
fn names_are_kept() {
    let Ok(()) = run(nursery(async |n| {
        for number in 0..3 {
            let peer = format!("10.0.0.{number}");
            serve(n, &peer, &number.to_string());
            checkpoint().await;
        }
        for name in &["one", "two"] {
            assert_eq!(n.child().name(name).spawn(async { Ok(()) }).name(), *name);
        }
        Ok(())
    }));
}
