//! A runtime is pinned, and turned by hand there.

use std::time::Duration;

use giambio::{Next, Runtime, Until, VirtualClock, sleep};

#[test]
fn a_runtime_turns_where_it_is_pinned() {
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::pin(Runtime::new(&clock, Box::pin(sleep(Duration::from_secs(1)))));
    let Next::Wait(Until::At(tick)) = runtime.as_mut().turn() else { panic!("it waits for its timer") };
    clock.advance_to(tick);
    assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
}
