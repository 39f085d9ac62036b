//! `n` may be copied and stored, inside the nursery.

use giambio::{Nursery, nursery, run};

#[test]
fn in_a_variable_of_the_body() {
    run(nursery(async |n| {
        let mut kept: Option<Nursery<'_, '_, ()>> = None;
        if kept.is_none() {
            kept = Some(n);
        }
        kept.unwrap().spawn(async { Ok(()) });
        Ok(())
    }))
    .unwrap();
}

#[test]
fn its_value_is_returned() {
    let live = run(nursery(async |n| Ok::<_, ()>(n.live())));
    assert_eq!(live, Ok(0));
}

#[test]
fn it_is_lent_for_less_than_its_life() {
    fn lend<'short, 'scope, 'env, E>(n: &'short Nursery<'scope, 'env, E>) -> &'short Nursery<'scope, 'env, E> {
        n
    }
    run(nursery(async |n| {
        lend(&n).spawn(async { Ok::<_, ()>(()) });
        Ok(())
    }))
    .unwrap();
}
