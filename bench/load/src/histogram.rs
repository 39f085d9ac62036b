//! Latencies, in steps of 3 %.

/// Steps for each power of two.
const STEPS: usize = 32;

pub(crate) struct Histogram(Vec<u64>);

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram(vec![0; 64 * STEPS])
    }

    pub(crate) fn add(&mut self, value: u64) {
        let value = value.max(STEPS as u64);
        let shift = value.ilog2() - STEPS.ilog2();
        self.0[shift as usize * STEPS + (value >> shift) as usize - STEPS] += 1;
    }

    /// The middle of the step at which that part of all values is reached.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let wanted = (self.0.iter().sum::<u64>() as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        let step = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        let step = step.unwrap_or(0);
        ((step % STEPS + STEPS) as f64 + 0.5) * (1_u64 << (step / STEPS)) as f64
    }
}
