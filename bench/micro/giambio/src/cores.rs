//! The same work on several threads.

use std::num::NonZeroUsize;

use bench_common::Meter;

use crate::spawn;

/// On so many threads, each spawns and awaits `n` tasks.
pub(crate) fn side_by_side(n: u64, threads: u64) -> Meter {
    let threads = usize::try_from(threads).ok().and_then(NonZeroUsize::new).expect("at least one thread");
    let mut meter = Meter::new();
    meter.start();
    let each = giambio::builder().on_each_core().threads(threads).run(async |_| {
        spawn::sequence(n, 0).await;
        Ok::<_, ()>(())
    });
    meter.stop(n * threads.get() as u64);
    assert!(each.is_ok());
    meter
}
