//! What a child changes can be read again when the nursery has ended.

use giambio::{nursery, run};

#[test]
fn after_the_nursery() {
    let mut count = 0;
    let count = &mut count;
    run(async {
        nursery(async |n| {
            n.spawn(async {
                *count += 1;
                Ok::<_, ()>(())
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(*count, 1);
    });
}
