//! Echo servers. All run at once, idle but for one. They are measured in short slices, in turn, with a slice of the raw
//! loop after every few; a ratio is to the raw slices just before and just after, so that a machine that changes its
//! speed changes both. A slice in which others had more than a little of the CPUs is measured again, or left out.

use super::Report;
use crate::machine::cpus;
use crate::numbers::{Numbers, median, quantile, ratio, shown};
use crate::options::Options;
use crate::peers::{Peers, RAW};
use crate::server::Server;
use crate::table::Table;

/// Servers between two slices of the raw loop.
const RAW_EVERY: usize = 3;
/// A slice is measured so often before it counts as it is.
const ATTEMPTS: usize = 4;
/// What part of a slice others may have had: more is measured again; still more is left out, as long as a third of the
/// slices remains.
const GOOD: f64 = 0.05;
const BAD: f64 = 0.1;

const CASES: [(usize, usize); 6] = [(1, 64), (50, 64), (1000, 64), (1, 4096), (50, 4096), (1000, 4096)];
const QUICK_CASES: [(usize, usize); 3] = [(1, 64), (50, 64), (1000, 64)];

/// What the clients print, and what part of the time others had the CPUs. `None`: the server failed.
type Measured = Option<(Numbers, f64)>;

#[derive(Clone)]
struct Slice {
    numbers: Numbers,
    /// The means of the raw slices around it.
    raw: [f64; 4],
    lost: f64,
}

/// What is compared: messages per second, two latencies, CPU.
const FIGURES: [&str; 4] = ["per_second", "p50_us", "p99_us", "server_cpu_ns"];

pub(super) fn run(options: &Options, peers: &Peers) -> Result<Report, String> {
    let cases: &[_] = if options.quick { &QUICK_CASES } else { &CASES };
    let mut servers = Vec::new();
    for peer in peers {
        let Some(program) = peer.echo else { continue };
        match Server::start(program, |program| program) {
            Ok(server) => servers.push((peer.name, server)),
            Err(error) => eprintln!("left out: {error}"),
        }
    }
    let raw = servers.iter().position(|(name, _)| *name == RAW).ok_or("the raw server does not run")?;
    let mut found = vec![vec![Vec::<Slice>::new(); servers.len()]; cases.len()];
    for round in options.rounds("echo", 6, 2) {
        for (case, found) in cases.iter().zip(&mut found) {
            measure(*case, round, &servers, raw, options.quick, found);
        }
    }
    let tables = cases.iter().zip(&found).map(|(case, found)| table(*case, &servers, found));
    Ok(tables.collect::<String>().into())
}

/// All servers, once.
fn measure(
    case: (usize, usize),
    round: usize,
    servers: &[(&str, Server)],
    raw: usize,
    quick: bool,
    found: &mut [Vec<Slice>],
) {
    let mut others: Vec<usize> = (0..servers.len()).filter(|server| *server != raw).collect();
    let turn = round * 5 % others.len().max(1);
    others.rotate_left(turn);
    let slice = |server: usize| slice(case, &servers[server], quick);
    let mut before = slice(raw);
    for group in others.chunks(RAW_EVERY) {
        let group: Vec<_> = group.iter().map(|server| (*server, slice(*server))).collect();
        let after = slice(raw);
        for (server, measured) in group {
            found[server].extend(compared(measured, &[&before, &after]));
        }
        // The raw loop beside itself says what a ratio is good for.
        found[raw].extend(compared(after.clone(), &[&before]));
        before = after;
    }
}

/// A slice beside slices of the raw loop, as far as there are any.
fn compared(measured: Measured, raw: &[&Measured]) -> Option<Slice> {
    let (numbers, lost) = measured?;
    let raw: Vec<_> = raw.iter().filter_map(|raw| raw.as_ref()).collect();
    let mean = |figure| raw.iter().map(|(numbers, _)| numbers.get(figure)).sum::<f64>() / raw.len() as f64;
    let lost = raw.iter().map(|(_, lost)| *lost).fold(lost, f64::max);
    (!raw.is_empty()).then(|| Slice { numbers, raw: FIGURES.map(mean), lost })
}

/// The least disturbed of a few, and how much of it others had. One connection has the CPU of the server, so that no
/// other CPU has to be woken, which costs more than the whole echo on a virtual machine.
fn slice((connections, bytes): (usize, usize), (name, server): &(&str, Server), quick: bool) -> Measured {
    let is_shared = connections == 1;
    let seconds = if quick { 0.15 } else { 0.3 };
    let mut words = vec![format!("connections={connections}"), format!("bytes={bytes}"), format!("seconds={seconds}")];
    words.push("warmup=0.08".to_owned());
    words.push(format!("sleep={}", u8::from(is_shared)));
    let (load_cpu, server_cpu) = cpus();
    let mut best: Measured = None;
    for _ in 0..ATTEMPTS {
        match server.load(if is_shared { server_cpu } else { load_cpu }, &words) {
            Ok(numbers) if numbers.get("messages") < 1.0 => {} // it had no CPU at all
            Ok(numbers) => {
                let [load, busy, waits] = ["load_busy", "server_busy", "server_waits"].map(|name| numbers.get(name));
                let others = if is_shared { 1.0 - load - busy } else { 1.0 - load + waits };
                let lost = numbers.get("stolen") + others;
                if best.as_ref().is_none_or(|(_, least)| lost < *least) {
                    best = Some((numbers, lost));
                }
                if lost < GOOD {
                    break;
                }
            }
            Err(error) => {
                eprintln!("{name}: {error}");
                return None;
            }
        }
    }
    best
}

/// The slices that count, and how much of the worst of them others had.
fn least_disturbed(slices: &[Slice]) -> (Vec<&Slice>, f64) {
    let mut slices: Vec<&Slice> = slices.iter().collect();
    slices.sort_by(|a, b| a.lost.total_cmp(&b.lost));
    let good = slices.iter().filter(|slice| slice.lost < BAD).count();
    slices.truncate(good.max(slices.len().div_ceil(3)));
    let worst = slices.last().map_or(0.0, |slice| slice.lost);
    (slices, worst)
}

fn table((connections, bytes): (usize, usize), servers: &[(&str, Server)], found: &[Vec<Slice>]) -> String {
    let (mut all, mut left_out, mut worst) = (0, 0, 0.0_f64);
    let mut rows = Vec::new();
    for ((name, _), slices) in servers.iter().zip(found) {
        let (good, lost) = least_disturbed(slices);
        (all, left_out, worst) = (all + slices.len(), left_out + slices.len() - good.len(), worst.max(lost));
        let mut cells = vec![(*name).to_owned()];
        let mut order = 0.0;
        for (at, figure) in FIGURES.iter().enumerate() {
            let ratios: Vec<f64> = good.iter().map(|slice| slice.numbers.get(figure) / slice.raw[at]).collect();
            cells.push(shown(median(good.iter().map(|slice| slice.numbers.get(figure)))));
            order = median(ratios.iter().copied());
            cells.push(ratio(order));
            if *figure == "server_cpu_ns" {
                let [low, high] = [0.25, 0.75].map(|part| quantile(ratios.iter().copied(), part));
                cells.push(format!("{}-{}", ratio(low), ratio(high)));
            }
        }
        rows.push((if *name == RAW { 0.0 } else { order }, cells));
    }
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut table = Table::new([
        "server",
        "messages/s",
        "ratio",
        "p50 µs",
        "ratio",
        "p99 µs",
        "ratio",
        "CPU ns/message",
        "ratio",
        "quartiles",
    ]);
    rows.into_iter().for_each(|(_, cells)| table.row(cells));
    let s = if connections == 1 { "" } else { "s" };
    format!(
        "#### Echo, {connections} connection{s}, {bytes} B\n\nMedians; ratios to the raw loop, just before and after. Left \
         out are {left_out} of {all} slices, which were disturbed; of those that count, others had {:.0} % of the CPUs at \
         worst.\n\n{}",
        worst * 100.0,
        table.text()
    )
}
