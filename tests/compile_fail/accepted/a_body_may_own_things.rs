//! How to write a body that owns what it uses, `async move |n|`; and one in a variable, whose children borrow nothing.

use giambio::{Nursery, nursery, run};

#[test]
fn a_body_that_owns_what_it_uses() {
    let words = String::from("structured concurrency");
    let length = run(nursery(async move |_| Ok::<_, ()>(words.len())));
    assert_eq!(length, Ok(22));
}

#[test]
fn a_body_in_a_variable() {
    let body = async |n: Nursery<'_, '_, ()>| {
        n.spawn(async { Ok(()) });
        Ok(7)
    };
    assert_eq!(run(nursery(body)), Ok(7));
}
