//! What must stay as it is: memory, descriptors, how late timers are.

use std::fmt;
use std::time::Duration;

/// What was measured when all connections of a round were gone.
pub(crate) struct Sample {
    /// Resident memory of both processes, in KiB; 0 where the system doesn't say.
    memory: u64,
    descriptors: usize,
    /// Of the timers of the round: the one in the middle.
    lateness: Duration,
}

impl Sample {
    pub(crate) fn take(mut lateness: Vec<Duration>, server: u32) -> Sample {
        lateness.sort_unstable();
        let lateness = lateness.get(lateness.len() / 2).copied().unwrap_or_default();
        let both = [std::process::id(), server];
        Sample { memory: both.map(memory).iter().sum(), descriptors: both.map(descriptors).iter().sum(), lateness }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sample { memory, descriptors, lateness } = self;
        write!(f, "{memory} KiB, {descriptors} descriptors, timers {lateness:?} late")
    }
}

#[cfg(target_os = "linux")]
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
fn descriptors(process: u32) -> usize {
    crate::system::descriptors(process)
}

#[cfg(not(target_os = "linux"))]
fn memory(_process: u32) -> u64 {
    0
}

#[cfg(not(target_os = "linux"))]
fn descriptors(_process: u32) -> usize {
    0
}

#[derive(Default)]
pub(crate) struct Samples(Vec<Sample>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Compares the beginning, when all is warm, with the end.
    pub(crate) fn check(&self) {
        let third = self.0.len() / 3;
        let (early, late) = (&self.0[1..=third], &self.0[self.0.len() - third..]);
        let memory = |samples: &[Sample]| samples.iter().map(|sample| sample.memory).max().unwrap_or(0);
        let (before, after) = (memory(early), memory(late));
        assert!(after <= before + before / 10 + 4_096, "memory grew from {before} KiB to {after} KiB");

        // A listener may be between two lives.
        let descriptors = |samples: &[Sample]| samples.iter().map(|sample| sample.descriptors).max().unwrap_or(0);
        let (before, after) = (descriptors(early), descriptors(late));
        assert!(after <= before + 2, "there were {before} descriptors, and now {after}");

        let lateness = |samples: &[Sample]| {
            let mut all: Vec<_> = samples.iter().map(|sample| sample.lateness).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        let (before, after) = (lateness(early), lateness(late));
        // Other programs have the machine too: only a trend counts.
        assert!(after <= before * 5 + Duration::from_millis(20), "timers were {before:?} late, and now {after:?}");
    }
}
