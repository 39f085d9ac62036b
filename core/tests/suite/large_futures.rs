//! Futures that hold much: no wrapper holds them twice.
#![cfg(feature = "std")]

use core::time::Duration;

use giambio_core::{
    TimedOut, cancel_scope, checkpoint, fail_after, fail_at, finally, finally_for, move_on_after, move_on_at, nursery,
    nursery_group, shield, shield_for, testing,
};

/// Much more than a wrapper's own state.
const BYTES: usize = 10_000;
/// No more than that.
const OWN: usize = 400;
const SPAN: Duration = Duration::from_secs(1);

async fn large() -> usize {
    let mut bytes = [1_u8; BYTES];
    core::hint::black_box(&mut bytes);
    checkpoint().await;
    bytes.iter().map(|byte| usize::from(*byte)).sum()
}

#[track_caller]
fn holds_it_once<T>(wrapper: &T) {
    let bytes = size_of_val(wrapper);
    assert!(bytes < BYTES + OWN, "{bytes} bytes around {}", size_of_val(&large()));
}

#[test]
fn each_wrapper_holds_a_future_once() {
    holds_it_once(&large());
    holds_it_once(&move_on_after(SPAN, large()));
    holds_it_once(&fail_after(SPAN, large()));
    holds_it_once(&shield(large()));
    holds_it_once(&shield_for(SPAN, large()));
    holds_it_once(&finally(large(), async || {}));
    holds_it_once(&finally_for(SPAN, large(), async || {}));
    holds_it_once(&finally(async {}, async || assert_eq!(large().await, BYTES)));
    holds_it_once(&cancel_scope(async |_| large().await));
    holds_it_once(&nursery(async |_| Ok::<_, ()>(large().await)));
    holds_it_once(&nursery_group(async |_| Ok::<_, ()>(large().await)));
    testing::run(async {
        let now = giambio_core::clock();
        holds_it_once(&move_on_at(now, large()));
        holds_it_once(&fail_at(now, large()));
    });
}

#[test]
fn wrappers_around_wrappers_hold_it_once_too() {
    let nest = fail_after(SPAN, shield(finally(move_on_after(SPAN, large()), async || {})));
    let bytes = size_of_val(&nest);
    assert!(bytes < BYTES + 4 * OWN, "{bytes} bytes");
    assert_eq!(testing::run(nest), Ok::<_, TimedOut>(Some(BYTES)));
}

/// Their memory is apart from what wakers lead to, and is kept for those to come: each piece for one of them.
#[test]
fn large_children_that_follow_others_have_memory_of_their_own() {
    async fn child(number: u8) -> Result<u8, ()> {
        let mut bytes = [number; 800];
        core::hint::black_box(&mut bytes);
        checkpoint().await;
        assert!(bytes.iter().all(|byte| *byte == number));
        Ok(number)
    }
    let sum = testing::run(nursery(async |n| {
        assert_eq!(n.spawn_value(child(1)).await, Ok(1));
        let (one, other) = (n.spawn_value(child(2)), n.spawn_value(child(3)));
        Ok::<_, ()>(one.await.unwrap_or(0) + other.await.unwrap_or(0))
    }));
    assert_eq!(sum, Ok(5));
}
