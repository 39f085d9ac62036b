//! The benchmarks in one process: CPU time in interleaved rounds, then counts.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::Report;
use crate::machine::{allowed, cpus, machine, versions};
use crate::numbers::{Numbers, median, ratio, shown};
use crate::options::Options;
use crate::peers::{OURS, Peer, Peers};
use crate::plot::{Bars, Plot, bars};
use crate::program::{Program, Scratch};
use crate::table::Table;

/// Benchmarks that are shown together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) benches: &'static [&'static str],
}

const GROUPS: &[Group] = &[
    Group { title: "Spawning", benches: &["spawn_seq", "spawn_batch", "tree", "cancel_all"] },
    Group {
        title: "Switching",
        benches: &["yield_1", "yield_100", "yield_10000", "selfwake_1", "selfwake_100", "selfwake_10000", "pingpong"],
    },
    Group { title: "Timers", benches: &["timer_set", "timer_cancel_1000", "timer_cancel_100000"] },
    Group { title: "Tasks that wait", benches: &["parked"] },
];

/// A program was disturbed if it had its CPU for less than this part of the time.
const UNDISTURBED: f64 = 0.95;
const ATTEMPTS: usize = 3;

/// What was found, by benchmark and peer.
pub(super) type Found<T> = BTreeMap<(&'static str, &'static str), T>;

/// All benchmarks of this part.
pub(super) fn benches() -> impl Iterator<Item = &'static str> {
    benches_of(GROUPS)
}

fn benches_of(groups: &[Group]) -> impl Iterator<Item = &'static str> {
    groups.iter().flat_map(|group| group.benches).copied()
}

pub(super) fn run(options: &Options, peers: &Peers) -> Result<Report, String> {
    let times = times("micro", options, GROUPS, peers, operations);
    let counts = counts(options, GROUPS, peers);
    let mut text = String::new();
    for group in GROUPS {
        text += &format!("#### {}\n\n{}", group.title, tables(group, peers, &times, &counts));
        if group.benches.contains(&"parked") {
            text += &table(group, "resident bytes", peers, |bench, peer| {
                Some(shown(counts.get(&(bench, peer))?.get("resident")))
            });
        }
    }
    let captions = [&*machine(), &*versions(peers)];
    let svg = bars(
        "CPU time of one operation, in nanoseconds; memory of one task, in bytes",
        captions,
        &panels(peers, &times, &counts),
    );
    Ok(Report { tables: text, plot: Some(Plot { name: "operations", svg }) })
}

/// CPU time, instructions and allocations.
pub(super) fn tables(group: &Group, peers: &Peers, times: &Found<Vec<f64>>, counts: &Found<Numbers>) -> String {
    let time = |bench, peer| {
        let rounds: &Vec<f64> = times.get(&(bench, peer))?;
        let ours = times.get(&(bench, OURS));
        let ratios = rounds.iter().zip(ours?).map(|(theirs, ours)| theirs / ours);
        Some(format!("{} ({})", shown(median(rounds.iter().copied())), ratio(median(ratios))))
    };
    let instructions = |bench, peer| Some(shown(counts.get(&(bench, peer))?.get("instructions")));
    let allocations = |bench, peer| {
        let numbers = counts.get(&(bench, peer))?;
        Some(format!("{:.1} / {}", numbers.get("allocs"), shown(numbers.get("bytes"))))
    };
    table(group, "CPU ns (and ratio to giambio)", peers, time)
        + &table(group, "instructions", peers, instructions)
        + &table(group, "allocations / bytes", peers, allocations)
}

/// What the plot shows: a benchmark and its title.
const PANELS: &[(&str, &str)] = &[
    ("spawn_seq", "spawn a task, await it"),
    ("spawn_batch", "spawn 1,000 tasks, await them; each"),
    ("tree", "a tree of 111,111 tasks; each"),
    ("yield_100", "100 tasks yield; each"),
    ("pingpong", "a ball to another task and back"),
    ("cancel_all", "cancel 100,000 tasks; each"),
    ("timer_set", "set a timer, cancel it"),
    ("timer_cancel_100000", "replace one of 100,000 timers"),
    ("parked", "bytes of a task with 64 bytes of state"),
];

/// Of a peer with several variants the plot has one.
fn panels(peers: &Peers, times: &Found<Vec<f64>>, counts: &Found<Numbers>) -> Vec<Bars> {
    let is_shown = |peer: &&&Peer| !peer.name.ends_with("uring") && !peer.name.ends_with("LocalSet");
    let panel = |(bench, title): &(&'static str, &str)| {
        let value = |peer: &&'static Peer| match *bench {
            "parked" => counts.get(&(*bench, peer.name)).map(|numbers| numbers.get("resident")),
            _ => times.get(&(*bench, peer.name)).map(|rounds| median(rounds.iter().copied())),
        };
        let value = |peer: &&'static Peer| (peer.name, value(peer).unwrap_or(f64::NAN));
        Bars { title: (*title).to_owned(), values: peers.iter().filter(is_shown).map(value).collect() }
    };
    PANELS.iter().map(panel).collect()
}

/// Peers that have none of the benchmarks are left out.
pub(super) fn table(
    group: &Group,
    unit: &str,
    peers: &Peers,
    cell: impl Fn(&'static str, &'static str) -> Option<String>,
) -> String {
    let mut table = Table::new(std::iter::once(unit).chain(group.benches.iter().copied()));
    for peer in peers {
        let cells: Vec<Option<String>> = group.benches.iter().map(|bench| cell(bench, peer.name)).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned()));
            table.row(std::iter::once(peer.name.to_owned()).chain(cells).collect());
        }
    }
    table.text()
}

/// The CPU time of an operation, in every round. Peers follow each other within a benchmark, so that a ratio is of
/// neighbours.
pub(super) fn times(
    part: &'static str,
    options: &Options,
    groups: &[Group],
    peers: &Peers,
    operations: fn(&str, bool) -> u64,
) -> Found<Vec<f64>> {
    let mut found = Found::new();
    for _ in options.rounds(part, 5, 2) {
        for bench in benches_of(groups) {
            for peer in peers {
                if let Some(numbers) = timed(peer, bench, operations(bench, options.quick)) {
                    found.entry((bench, peer.name)).or_insert_with(Vec::new).push(numbers.get("cpu_ns"));
                }
            }
        }
    }
    found
}

pub(super) fn operations(bench: &str, quick: bool) -> u64 {
    match bench {
        "tree" => 222_222,
        "cancel_all" | "timer_set" | "parked" => 100_000,
        _ if quick => 100_000,
        _ => 300_000,
    }
}

/// One run of a peer's benchmark, the least disturbed of a few. `None`: it has no such benchmark, or failed.
pub(super) fn timed(peer: &Peer, bench: &str, operations: u64) -> Option<Numbers> {
    let mut best: Option<(f64, Numbers)> = None;
    for _ in 0..ATTEMPTS {
        let numbers = finished(program(peer, bench, operations)?.on(cpus().1).life(60).run())?;
        let had = numbers.get("cpu_ns") / numbers.get("ns");
        if best.as_ref().is_none_or(|(most, _)| had > *most) {
            best = Some((had, numbers));
        }
        if had > UNDISTURBED {
            break;
        }
    }
    best.map(|(_, numbers)| numbers)
}

fn program(peer: &Peer, bench: &str, operations: u64) -> Option<Program> {
    let (package, variant) = peer.micro?;
    Some(Program::new(package).arg(variant).arg(bench).arg(operations.to_string()))
}

/// A program that fails leaves a gap in the table.
fn finished(result: Result<Option<Numbers>, String>) -> Option<Numbers> {
    result.unwrap_or_else(|error| {
        eprintln!("left out: {error}");
        None
    })
}

/// Instructions, allocations and bytes of an operation. They are counts, so that several may run side by side.
pub(super) fn counts(options: &Options, groups: &[Group], peers: &Peers) -> Found<Numbers> {
    let jobs = benches_of(groups).flat_map(|bench| peers.iter().map(move |peer| (bench, *peer)));
    let jobs = Mutex::new(jobs);
    let found = Mutex::new(Found::new());
    let next = || jobs.lock().expect("no thread panics").next();
    std::thread::scope(|scope| {
        for cpu in allowed() {
            let (next, found) = (&next, &found);
            scope.spawn(move || {
                while let Some((bench, peer)) = next() {
                    if let Some(numbers) = count(peer, bench, cpu, options.quick) {
                        found.lock().expect("no thread panics").insert((bench, peer.name), numbers);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no thread panics")
}

fn count(peer: &Peer, bench: &str, cpu: usize, quick: bool) -> Option<Numbers> {
    let operations = match bench {
        "tree" => 111_111,
        "yield_10000" | "selfwake_10000" => 100_000,
        _ if quick => 10_000,
        _ => 30_000,
    };
    let mut numbers = finished(program(peer, bench, operations)?.on(cpu).counting_allocations().run())?;
    let scratch = Scratch::new(&format!("{cpu}"));
    let counted = finished(program(peer, bench, operations)?.on(cpu).counting_instructions(false, &scratch).run());
    if let Some(counted) = counted {
        numbers.set("instructions", scratch.instructions() / counted.get("ops"));
    }
    Some(numbers)
}
