//! A future does something where it is awaited.

use std::time::Duration;

use giambio::{clock, run, sleep};

#[test]
fn a_sleep_is_awaited() {
    run(async {
        let start = clock();
        sleep(Duration::from_millis(1)).await;
        assert!(clock() - start >= Duration::from_millis(1));
    });
}
