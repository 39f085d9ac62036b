//! How late things are: a task woken by another thread, timers; and what a process does that has nothing to do.

use super::Report;
use super::micro::timed;
use crate::numbers::{Numbers, median, shown};
use crate::options::Options;
use crate::peers::Peers;
use crate::table::Table;

/// One benchmark and what is shown of it.
struct Figure {
    bench: &'static str,
    operations: u64,
    title: &'static str,
    /// The name that the program prints, the head of the column, and by what to divide.
    columns: &'static [(&'static str, &'static str, f64)],
    /// Only in a full run, and once.
    is_long: bool,
}

const LATE: [(&str, &str, f64); 2] = [("late_p50_us", "late p50 µs", 1.0), ("late_p99_us", "p99", 1.0)];
const FIRED: [(&str, &str, f64); 4] =
    [("setup_cpu_ns", "CPU ns to set", 1.0), ("cpu_ns", "CPU ns to fire", 1.0), LATE[0], LATE[1]];

const FIGURES: &[Figure] = &[
    Figure {
        bench: "wake",
        operations: 2000,
        title: "A task is woken by another thread, while the loop sleeps",
        columns: &LATE,
        is_long: false,
    },
    Figure {
        bench: "timer_fire",
        operations: 1000,
        title: "1,000 tasks sleep, with deadlines spread over a second",
        columns: &FIRED,
        is_long: false,
    },
    Figure {
        bench: "timer_fire",
        operations: 100_000,
        title: "100,000 tasks sleep, with deadlines spread over a second",
        columns: &FIRED,
        is_long: false,
    },
    Figure {
        bench: "timer_fire",
        operations: 1_000_000,
        title: "1,000,000 tasks sleep, with deadlines spread over five seconds",
        columns: &FIRED,
        is_long: true,
    },
    Figure {
        bench: "idle_1000",
        operations: 300,
        title: "1,000 tasks sleep, and nothing happens for 0.3 s",
        columns: &[("cpu_ns", "CPU µs per second", 1.0), ("sleeps", "times awake", 1.0)],
        is_long: false,
    },
];

/// All benchmarks of this part.
pub(super) fn benches() -> impl Iterator<Item = String> {
    FIGURES.iter().filter(|figure| !figure.is_long).map(|figure| figure.bench.to_owned())
}

pub(super) fn run(options: &Options, peers: &Peers) -> Result<Report, String> {
    let mut found: Vec<Vec<Vec<Numbers>>> = vec![vec![Vec::new(); peers.len()]; FIGURES.len()];
    for round in options.rounds("latency", 4, 1) {
        for (figure, found) in FIGURES.iter().zip(&mut found) {
            if figure.is_long && (options.quick || round > 0) {
                continue;
            }
            for (peer, found) in peers.iter().zip(found) {
                found.extend(timed(peer, figure.bench, figure.operations));
            }
        }
    }
    let mut text = String::new();
    for (figure, found) in FIGURES.iter().zip(&found) {
        let mut table = Table::new(std::iter::once("").chain(figure.columns.iter().map(|column| column.1)));
        for (peer, rounds) in peers.iter().zip(found).filter(|(_, rounds)| !rounds.is_empty()) {
            let cell = |(name, _, by): &(&str, _, f64)| shown(median(rounds.iter().map(|round| round.get(name))) / by);
            table.row(std::iter::once(peer.name.to_owned()).chain(figure.columns.iter().map(cell)).collect());
        }
        if found.iter().any(|rounds| !rounds.is_empty()) {
            text += &format!("#### {}\n\n{}", figure.title, table.text());
        }
    }
    Ok(text.into())
}
