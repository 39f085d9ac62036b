//! What every benchmark shares: the meter, the end of a program's life, small futures.

mod bell;
pub mod callgrind;
mod gate;
mod meter;
mod process;
mod server;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub use bell::Bell;
pub use gate::Gate;
pub use meter::{Meter, timed};
pub use process::{argument, cpu_ns, limit_life, move_to_other_cpu, quantile, resident_bytes, sleeps, spin};
pub use server::{BUFFER, server_arguments};

/// What is spawned and awaited before the meter starts, so that it sees warm memory.
pub const WARM_UP: u64 = 2000;
/// Tasks of a batch, unless the benchmark's name says how many.
pub const BATCH: u64 = 1000;
/// Timers that are set in one poll.
pub const TIMERS_A_POLL: u64 = 100;
/// Tasks of a tree: each has ten children, six levels deep.
pub const TREE: u64 = 111_111;

/// With this status a program ends that has no such benchmark.
pub const LACKS: i32 = 3;

/// Wakes itself and waits once.
#[derive(Debug, Default)]
pub struct SelfWake(bool);

impl Future for SelfWake {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Far deadlines, 10 s to 10 min, in an order that is the same for all.
pub fn far(i: u64) -> Duration {
    Duration::from_micros(10_000_000 + i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 590_000_000)
}

/// The name of a benchmark and the number behind its last underscore: `yield_100` is ("yield", Some(100)).
pub fn name_and_size(bench: &str) -> (&str, Option<u64>) {
    match bench.rsplit_once('_') {
        Some((name, size)) if size.bytes().all(|byte| byte.is_ascii_digit()) => (name, size.parse().ok()),
        _ => (bench, None),
    }
}
