//! An async function worth being one, since it awaits another: `giambio::sleep`.
//!
//! A future that is never awaited is never run. Here the compiler says so (`unused implementer of Future that must be
//! used`), before the program runs.
//!
//! ```text
//! Taking a nap!
//! Slept for 4.00 seconds!
//! ```

use std::time::Duration;

async fn sleep_double(n: u64) {
    println!("Taking a nap!");
    let start = giambio::clock();
    giambio::sleep(Duration::from_secs(2 * n)).await;
    println!("Slept for {:.2} seconds!", (giambio::clock() - start).as_secs_f64());
}

fn main() {
    giambio::run(sleep_double(2));
}
