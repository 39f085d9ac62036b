//! A driver on the operating system's clock, in a `static`, beside `giambio::run`.

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use giambio::{StdClock, clock, move_on_after, nursery};
use giambio_embassy_time::Driver;

giambio_embassy_time::driver!(static EMBASSY: Driver<StdClock, 4> = Driver::new(StdClock::new()));

#[test]
fn embassys_time_is_that_of_the_run_however_late_it_began() {
    assert!(embassy_time::Instant::now().as_micros() < u64::MAX);
    thread::sleep(Duration::from_millis(5));
    giambio::run(async {
        let before = clock();
        let now = embassy_time::Instant::now().as_micros();
        let after = clock();
        assert!(
            before.as_nanos() / 1_000 <= now + 1 && now <= after.as_nanos() / 1_000 + 1,
            "{before:?} {now} {after:?}"
        );
        let timed = nursery(async |n| {
            n.child().daemon().spawn(async { match EMBASSY.run().await {} });
            let timer = embassy_time::Timer::after_millis(2);
            Ok::<_, Infallible>(move_on_after(Duration::from_secs(20), timer).await)
        });
        assert_eq!(timed.await, Ok(Some(())));
        assert!(clock() - before >= Duration::from_millis(2));
    });
}
