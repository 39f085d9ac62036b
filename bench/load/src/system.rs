//! What the system tells of the server and of itself.

use std::fs;
use std::time::Instant;

/// The clocks at one moment, in seconds.
pub(crate) struct Snapshot {
    at: Instant,
    server_cpu: f64,
    server_waits: f64,
    own_cpu: f64,
    stolen: f64,
}

/// What passed between two moments, in seconds.
pub(crate) struct Part {
    pub(crate) seconds: f64,
    pub(crate) server_cpu: f64,
    /// The server could have run, but others had its CPU.
    pub(crate) server_waits: f64,
    pub(crate) own_cpu: f64,
    /// The hypervisor took it.
    pub(crate) stolen: f64,
}

impl Snapshot {
    pub(crate) fn take(server: u32) -> Snapshot {
        let (server_cpu, server_waits) = cpu_of(server);
        let own_cpu = bench_common::cpu_ns() as f64 / 1e9;
        Snapshot { at: Instant::now(), server_cpu, server_waits, own_cpu, stolen: stolen() }
    }

    pub(crate) fn since(&self, before: &Snapshot) -> Part {
        Part {
            seconds: (self.at - before.at).as_secs_f64(),
            server_cpu: self.server_cpu - before.server_cpu,
            server_waits: self.server_waits - before.server_waits,
            own_cpu: self.own_cpu - before.own_cpu,
            stolen: self.stolen - before.stolen,
        }
    }
}

/// Of all threads of a process: on a CPU, and waiting for one.
fn cpu_of(pid: u32) -> (f64, f64) {
    let (mut cpu, mut waits) = (0.0, 0.0);
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>().unwrap_or(0.0) / 1e9);
        cpu += numbers.next().unwrap_or(0.0);
        waits += numbers.next().unwrap_or(0.0);
    }
    (cpu, waits)
}

/// In ticks of 10 ms.
fn stolen() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    text.split_whitespace().nth(8).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) / 100.0
}

/// From `smaps_rollup`, which walks the page tables: the number in `status` is off by up to some 100 KiB.
pub(crate) fn anonymous_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
