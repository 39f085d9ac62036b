//! What the system tells about a process. All but the limit is Linux's own, in `/proc`.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and those it starts from now on, have as many descriptors as it may; returns how many.
pub(crate) fn raise_descriptor_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    limit.maximum.unwrap_or(u64::MAX)
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// The bytes of memory that are a process's own.
pub(crate) fn memory(process: u32) -> usize {
    let kibibytes = field(&format!("/proc/{process}/smaps_rollup"), "Anonymous:");
    kibibytes as usize * 1024
}

/// How often the threads of a process began to wait.
pub(crate) fn waits(process: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads
        .map(|thread| field(thread.unwrap().path().join("status").to_str().unwrap(), "voluntary_ctxt_switches:"))
        .sum()
}

/// The time for which a process has had a processor, in steps of 10 ms.
pub(crate) fn cpu_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{path} lacks {name}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}
