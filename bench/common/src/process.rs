//! What a program knows about itself: its arguments, its CPU time, its memory, its end.

use std::time::{Duration, Instant};

/// The argument at that place; the program's name is at 0.
pub fn argument(place: usize) -> Option<String> {
    std::env::args().nth(place)
}

/// Has the system end this process with its parent, and after `BENCH_LIFE` seconds (180 if not given) in any case:
/// nothing outlives its run.
pub fn limit_life() {
    let seconds = std::env::var("BENCH_LIFE").ok().and_then(|value| value.parse().ok()).unwrap_or(180);
    // SAFETY: they take numbers.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
        libc::alarm(seconds);
    }
}

/// CPU time of this process, all threads, in nanoseconds.
pub fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// How often this process went to sleep.
pub fn sleeps() -> u64 {
    // SAFETY: all zeroes are valid numbers, and the place is ours.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    usage.ru_nvcsw as u64
}

/// Memory of this process that is there, in bytes.
pub fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("the second is a number");
    pages * 4096.0
}

/// Moves the calling thread away from the CPU that the driver pinned the program to.
pub fn move_to_other_cpu() {
    // SAFETY: all zeroes are an empty set, and the place is ours.
    unsafe {
        let here = libc::sched_getcpu();
        let mut others: libc::cpu_set_t = std::mem::zeroed();
        for cpu in (0..libc::CPU_SETSIZE).filter(|cpu| *cpu != here) {
            libc::CPU_SET(cpu as usize, &mut others);
        }
        libc::sched_setaffinity(0, size_of_val(&others), &others);
    }
}

/// Waits by doing nothing, where a sleep would measure the scheduler.
pub fn spin(span: Duration) {
    let began = Instant::now();
    while began.elapsed() < span {
        std::hint::spin_loop();
    }
}

/// The `part` (0 to 1) of a sorted slice.
pub fn quantile(sorted: &[u64], part: f64) -> u64 {
    match sorted.len() {
        0 => 0,
        len => sorted[((len - 1) as f64 * part).round() as usize],
    }
}
