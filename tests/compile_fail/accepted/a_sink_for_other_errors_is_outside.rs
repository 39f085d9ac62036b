//! What hears of second and later errors lives outside the nursery: it is called while the body is dropped, too.

use std::cell::RefCell;

use giambio::{nursery, run};

#[test]
fn declared_before() {
    let others = RefCell::new(Vec::new());
    let sink = |error| others.borrow_mut().push(error);
    let result: Result<(), u8> = run(nursery(async |n| {
        n.on_other_error(&sink);
        n.fail(1);
        n.fail(2);
        Ok(())
    }));
    assert_eq!(result, Err(1));
    assert_eq!(others.take(), [2]);
}
