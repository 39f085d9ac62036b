//! One test, many orders.

use super::simulation::Simulation;

/// Runs a test once for each seed, and says which one made it fail.
///
/// With `GIAMBIO_SEED` in the environment it runs for that seed alone: that is how to repeat a
/// failure.
///
/// ```
/// use giambio_core::testing::for_each_seed;
/// use giambio_core::{checkpoint, nursery};
/// use std::cell::Cell;
///
/// // #[test]
/// fn the_sum_does_not_depend_on_the_order() {
///     for_each_seed(0..100, |simulation| {
///         let sum = Cell::new(0);
///         let result: Result<(), ()> = simulation.run(nursery(async |n| {
///             for i in 1..=4 {
///                 let sum = &sum;
///                 n.spawn(async move {
///                     checkpoint().await;
///                     Ok(sum.set(sum.get() + i))
///                 });
///             }
///             Ok(())
///         }));
///         assert_eq!((result, sum.get()), (Ok(()), 10));
///     });
/// }
/// # the_sum_does_not_depend_on_the_order();
/// ```
///
/// # Panics
/// As `test`, after the seed was printed.
pub fn for_each_seed(seeds: impl IntoIterator<Item = u64>, mut test: impl FnMut(Simulation)) {
    let only = std::env::var("GIAMBIO_SEED").ok();
    let only = only.map(|text| text.parse().unwrap_or_else(|_| panic!("giambio: GIAMBIO_SEED={text} is no number")));
    let mut one = |seed: u64| {
        let told = Told(seed);
        test(Simulation::new().seed(seed));
        drop(told);
    };
    match only {
        Some(seed) => one(seed),
        None => seeds.into_iter().for_each(one),
    }
}

/// Says the seed if it is dropped by a panic.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::eprintln!("giambio: it went wrong with seed {0}; GIAMBIO_SEED={0} runs that one alone", self.0);
        }
    }
}
