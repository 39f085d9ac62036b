//! Measures parts of a program, and prints what they cost.

use std::time::Instant;

use crate::{callgrind, cpu_ns, quantile};

/// Adds up what lies between `start` and `stop`.
#[derive(Debug, Default)]
pub struct Meter {
    operations: u64,
    wall: u64,
    cpu: u64,
    heap: [u64; 2],
    more: Vec<(&'static str, f64)>,
    began: Option<(Instant, u64, [u64; 2])>,
}

impl Meter {
    /// Nothing is measured yet.
    pub fn new() -> Self {
        Meter::default()
    }

    /// From here on everything counts.
    pub fn start(&mut self) {
        self.began = Some((Instant::now(), cpu_ns(), heap().unwrap_or_default()));
        callgrind::toggle();
    }

    /// Up to here everything counted, and it was so many operations.
    pub fn stop(&mut self, operations: u64) {
        callgrind::toggle();
        let (began, cpu, before) = self.began.take().expect("`stop` follows `start`");
        let after = heap().unwrap_or_default();
        self.cpu += cpu_ns() - cpu;
        self.wall += began.elapsed().as_nanos() as u64;
        self.heap = std::array::from_fn(|i| self.heap[i] + after[i] - before[i]);
        self.operations += operations;
    }

    /// One more number, by name.
    pub fn tell(&mut self, name: &'static str, value: f64) {
        self.more.push((name, value));
    }

    /// How late things were, from nanoseconds each.
    pub fn tell_lateness(&mut self, mut late: Vec<u64>) {
        late.sort_unstable();
        for (name, part) in [("late_p50_us", 0.5), ("late_p99_us", 0.99), ("late_max_us", 1.0)] {
            self.tell(name, quantile(&late, part) as f64 / 1e3);
        }
    }

    /// Prints one line of `name=value`, per operation.
    pub fn print(&self) {
        let per = |sum: u64| sum as f64 / self.operations.max(1) as f64;
        print!("ops={} ns={:.2} cpu_ns={:.2}", self.operations, per(self.wall), per(self.cpu));
        if heap().is_some() {
            print!(" allocs={:.3} bytes={:.2}", per(self.heap[0]), per(self.heap[1]));
        }
        for (name, value) in &self.more {
            print!(" {name}={value:.2}");
        }
        println!();
    }
}

/// Measures a future that does so many operations.
pub async fn timed(operations: u64, work: impl Future<Output = ()>) -> Meter {
    let mut meter = Meter::new();
    meter.start();
    work.await;
    meter.stop(operations);
    meter
}

/// Allocations and bytes so far, if the library `alloc-count` was loaded before the program.
fn heap() -> Option<[u64; 2]> {
    // SAFETY: the name ends with a zero.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"bench_heap_so_far".as_ptr()) };
    if function.is_null() {
        return None;
    }
    // SAFETY: the library defines it like this.
    let function: extern "C" fn(&mut [u64; 2]) = unsafe { std::mem::transmute(function) };
    let mut counts = [0; 2];
    function(&mut counts);
    Some(counts)
}
