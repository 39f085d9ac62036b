//! The handle of a cancel scope may be used by all code inside the scope.

use giambio::{Reason, cancel_scope, nursery, run};

#[test]
fn a_child_cancels_the_scope_around_its_nursery() {
    let result = run(cancel_scope(async |scope| {
        nursery(async |n| {
            n.spawn(async {
                scope.cancel_because("enough");
                Ok::<_, ()>(())
            });
            std::future::pending().await
        })
        .await
    }));
    assert_eq!(result.map(|_: Result<(), ()>| ()).unwrap_err().reason, Reason::Because("enough"));
}
