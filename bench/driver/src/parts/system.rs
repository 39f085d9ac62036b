//! What an operating system has, by giambio and by other libraries, and the same calls without any.

use super::Report;
use super::micro::{Found, Group, table, times};
use crate::build;
use crate::machine::{cpus, versions};
use crate::numbers::{Numbers, median, ratio, shown};
use crate::options::Options;
use crate::peers::{OURS, Peer, Peers, chosen_of, library};
use crate::program::{Program, Scratch};

const PACKAGE: &str = "system-micro";
/// The same calls, one after the other, where nobody has to wait.
const BARE: &str = "bare";

const GROUPS: &[Group] = &[
    Group { title: "Messages of 64 B there and back", benches: &["udp_1", "udp_50", "unix_1", "unix_50"] },
    Group { title: "1 MiB", benches: &["pipe", "copy"] },
    Group { title: "Programs, files, threads", benches: &["process", "large_file", "small_file", "unblock"] },
];

static LIBRARIES: &[Peer] = &[
    library(PACKAGE, OURS, &[]),
    library(PACKAGE, BARE, &[]),
    library(PACKAGE, "tokio", &["tokio"]),
    library(PACKAGE, "smol", &["async-executor", "async-io", "async-process", "async-fs", "blocking"]),
    library(PACKAGE, "compio-epoll", &["compio"]),
    library(PACKAGE, "compio-uring", &["compio"]),
];

/// All benchmarks of this part.
pub(super) fn benches() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.benches).copied()
}

/// So many take a moment.
pub(super) fn operations(bench: &str, quick: bool) -> u64 {
    let many = match bench {
        "large_file" => 12,
        "pipe" | "copy" => 1024,
        "process" => 1000,
        _ => 50_000,
    };
    if quick { many / 4 } else { many }
}

pub(super) fn run(options: &Options, _: &Peers) -> Result<Report, String> {
    build::with_words(PACKAGE, &[])?;
    build::with_words("alloc-count", &[])?;
    let libraries = chosen_of(LIBRARIES, &options.only, |name| [OURS, BARE].contains(&name));
    let times = times("system", options, GROUPS, &libraries, operations);
    let counts = counts(options, &libraries);
    let mut text = format!("{}\n\n", versions(&libraries));
    for group in GROUPS {
        text += &format!("#### {}\n\n{}", group.title, tables(group, &libraries, &times, &counts));
    }
    Ok(text.into())
}

/// CPU time, system calls and allocations.
fn tables(group: &Group, libraries: &Peers, times: &Found<Vec<f64>>, counts: &Found<Numbers>) -> String {
    let time = |bench, peer| {
        let rounds: &Vec<f64> = times.get(&(bench, peer))?;
        let ratios = rounds.iter().zip(times.get(&(bench, BARE))?).map(|(theirs, bare)| theirs / bare);
        Some(format!("{} ({})", shown(median(rounds.iter().copied()) / 1e3), ratio(median(ratios))))
    };
    let calls = |bench, peer| Some(format!("{:.2}", counts.get(&(bench, peer))?.get("calls")));
    let allocations = |bench, peer| {
        let numbers = counts.get(&(bench, peer))?;
        Some(format!("{:.1} / {}", numbers.get("allocs"), shown(numbers.get("bytes"))))
    };
    table(group, "CPU µs (and ratio to the bare calls)", libraries, time)
        + &table(group, "system calls", libraries, calls)
        + &table(group, "allocations / bytes", libraries, allocations)
}

fn counts(options: &Options, libraries: &Peers) -> Found<Numbers> {
    let mut found = Found::new();
    for bench in benches() {
        for peer in libraries {
            match count(peer.name, bench, operations(bench, options.quick)) {
                Ok(Some(numbers)) => drop(found.insert((bench, peer.name), numbers)),
                Ok(None) => {}
                Err(why) => eprintln!("left out: {why}"),
            }
        }
    }
    found
}

/// System calls, by the difference of two runs: what does not depend on the operations falls out. Those of a program that is
/// started are its own until it is another one.
fn count(library: &str, bench: &str, operations: u64) -> Result<Option<Numbers>, String> {
    let program = |n: u64| Program::new(PACKAGE).arg(library).arg(bench).arg(n.to_string()).on(cpus().1).life(120);
    let Some(mut numbers) = program(operations).counting_allocations().run()? else { return Ok(None) };
    let calls = |n: u64| -> Result<[f64; 2], String> {
        let scratch = Scratch::new("calls");
        let counted = program(n).counting_system_calls(&scratch).run()?.ok_or("it had the benchmark just now")?;
        Ok([counted.get("ops"), scratch.system_calls()?])
    };
    let (few, many) = (calls(operations / 10)?, calls(operations)?);
    numbers.set("calls", (many[1] - few[1]) / (many[0] - few[0]));
    Ok(Some(numbers))
}
