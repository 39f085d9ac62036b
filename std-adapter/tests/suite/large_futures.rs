//! Futures that hold much, on the 2 MiB of stack that a thread has by default, in builds without optimization, which copy
//! a value wherever the source moves it.
//!
//! Each runs in a process of its own, since an overflow ends it.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;
use std::{env, thread};

use giambio::{
    Cancelled, Nursery, TimedOut, cancel_scope, checkpoint, clock, fail_after, fail_at, finally, finally_for,
    move_on_after, move_on_at, nursery, nursery_group, shield, shield_for, testing,
};

use crate::common::itself;

const KIB: usize = 1024;
/// There is room for two copies, and not for three. The compilers that the tests meet elsewhere make more of them.
const LARGE: usize = if IS_USUAL { 768 } else { 384 } * KIB;
/// For seven: who awaits a future has three in its own frame, as has each who awaits that one.
const LARGE_INSIDE: usize = if IS_USUAL { 256 } else { 96 } * KIB;
const IS_USUAL: bool = cfg!(all(unix, target_env = "gnu", target_arch = "x86_64"));
const SPAN: Duration = Duration::from_secs(60);

async fn hold<const BYTES: usize>() -> usize {
    let mut bytes = [1_u8; BYTES];
    black_box(&mut bytes);
    checkpoint().await;
    bytes.len()
}

async fn child<const BYTES: usize>() -> Result<(), Cancelled> {
    hold::<BYTES>().await;
    Ok(())
}

fn on_a_thread_of_2_mib(test: &str, work: fn()) {
    const INSIDE: &str = "GIAMBIO_TEST_OF_LARGE_FUTURES";
    if env::var_os(INSIDE).is_some() {
        thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
        return;
    }
    let output = itself().args(["--exact", test]).env(INSIDE, "yes").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("running 1 test\n"), "{test} wasn't run: {said}");
    assert!(output.status.success(), "{test}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Each a test: the work and, as it must be, its value.
macro_rules! on_a_thread_of_2_mib {
    ($($name:ident: $work:expr => $value:expr;)*) => {$(
        #[test]
        fn $name() {
            on_a_thread_of_2_mib(concat!("large_futures::", stringify!($name)), || assert_eq!($work, $value));
        }
    )*};
}

/// The body is on the heap, as one that holds much should be: what it takes of the stack belongs to another test.
fn in_nursery(body: impl AsyncFnOnce(Nursery<'_, '_, Cancelled>)) {
    assert_eq!(giambio::run(nursery(async |n| Ok(Box::pin(body(n)).await))), Ok(()));
}

fn one_core() -> giambio::EachCore {
    giambio::builder().on_each_core().threads(NonZeroUsize::MIN)
}

on_a_thread_of_2_mib! {
    run_takes_one: giambio::run(hold::<LARGE>()) => LARGE;
    run_or_ctrl_c_takes_one: giambio::run_or_ctrl_c(hold::<LARGE>()) => Ok(LARGE);
    a_builder_takes_one: giambio::builder().run(hold::<LARGE>()) => LARGE;
    a_builder_with_a_debugger_takes_one: {
        struct Silent;
        impl giambio::Debugger for Silent {}
        giambio::builder().debugger(Silent).try_run(hold::<LARGE>()).ok()
    } => Some(LARGE);
    a_builder_with_ctrl_c_takes_one: giambio::builder().try_run_or_ctrl_c(hold::<LARGE>()).ok() => Some(LARGE);
    a_test_in_virtual_time_takes_one: testing::run(hold::<LARGE>()) => LARGE;
    a_test_with_a_seed_takes_one: testing::Simulation::new().seed(7).run(hold::<LARGE>()) => LARGE;
    each_core_takes_one: one_core().run(async |_| Ok::<_, ()>(hold::<LARGE_INSIDE>().await)) => Ok(vec![LARGE_INSIDE]);
    each_core_with_ctrl_c_takes_one: {
        one_core().run_or_ctrl_c(async |_| Ok::<_, ()>(hold::<LARGE_INSIDE>().await))
    } => giambio::Ended::Values(vec![LARGE_INSIDE]);

    spawn_takes_one: in_nursery(async |n| drop(n.spawn(child::<LARGE>()))) => ();
    spawn_value_takes_one: in_nursery(async |n| drop(n.spawn_value(child::<LARGE>()))) => ();
    spawn_takes_a_daemon: in_nursery(async |n| {
        n.child().name("large").daemon().spawn(child::<LARGE>()).await.unwrap();
    }) => ();
    try_spawn_takes_one: in_nursery(async |n| drop(n.try_spawn(child::<LARGE_INSIDE>()).unwrap())) => ();
    try_spawn_gives_one_back: in_nursery(async |n| {
        n.race();
        n.spawn(async { Ok(()) }).await.unwrap();
        assert!(n.try_spawn(child::<{ LARGE_INSIDE / 2 }>()).is_err());
    }) => ();
    spawn_after_a_delay_takes_one: in_nursery(async |n| {
        n.child().after(Duration::from_millis(1)).spawn(child::<LARGE_INSIDE>());
    }) => ();
    spawn_wait_takes_one: in_nursery(async |n| drop(n.spawn_wait(child::<LARGE_INSIDE>()).await)) => ();
    spawn_value_wait_takes_one: in_nursery(async |n| drop(n.child().spawn_value_wait(child::<LARGE_INSIDE>()).await)) => ();

    move_on_after_takes_one: {
        giambio::run(async { move_on_after(SPAN, hold::<LARGE_INSIDE>()).await })
    } => Some(LARGE_INSIDE);
    move_on_at_takes_one: {
        giambio::run(async { move_on_at(clock() + SPAN, hold::<LARGE_INSIDE>()).await })
    } => Some(LARGE_INSIDE);
    fail_after_takes_one: {
        giambio::run(async { fail_after(SPAN, hold::<LARGE_INSIDE>()).await })
    } => Ok::<_, TimedOut>(LARGE_INSIDE);
    fail_at_takes_one: {
        giambio::run(async { fail_at(clock() + SPAN, hold::<LARGE_INSIDE>()).await })
    } => Ok::<_, TimedOut>(LARGE_INSIDE);
    a_child_with_a_deadline_is_taken: in_nursery(async |n| {
        n.spawn(async {
            assert_eq!(move_on_after(SPAN, hold::<LARGE_INSIDE>()).await, Some(LARGE_INSIDE));
            Ok(())
        });
    }) => ();
    a_deadline_drops_one: {
        testing::run(async {
            move_on_after(SPAN, async {
                hold::<LARGE_INSIDE>().await;
                giambio::sleep(2 * SPAN).await;
            })
            .await
        })
    } => None;
    a_cancel_scope_takes_one: {
        giambio::run(async { cancel_scope(async |_| hold::<LARGE_INSIDE>().await).await })
    } => Ok::<_, Cancelled>(LARGE_INSIDE);
    a_shield_takes_one: giambio::run(async { shield(hold::<LARGE_INSIDE>()).await }) => LARGE_INSIDE;
    a_shield_with_a_grace_takes_one: {
        giambio::run(async { shield_for(SPAN, hold::<LARGE_INSIDE>()).await })
    } => LARGE_INSIDE;
    finally_takes_one: giambio::run(async { finally(hold::<LARGE_INSIDE>(), async || {}).await }) => LARGE_INSIDE;
    finally_with_a_grace_takes_one: {
        giambio::run(async { finally_for(SPAN, hold::<LARGE_INSIDE>(), async || {}).await })
    } => LARGE_INSIDE;
    a_clean_up_may_be_one: {
        giambio::run(async { finally(async {}, async || assert_ne!(hold::<LARGE_INSIDE>().await, 0)).await })
    } => ();
    a_body_of_a_nursery_may_be_one: {
        giambio::run(async { nursery(async |_| Ok::<_, ()>(hold::<LARGE_INSIDE>().await)).await })
    } => Ok(LARGE_INSIDE);
    a_body_of_a_nursery_group_may_be_one: {
        giambio::run(async { nursery_group(async |_| Ok::<_, ()>(hold::<LARGE_INSIDE>().await)).await }).is_ok()
    } => true;
}
