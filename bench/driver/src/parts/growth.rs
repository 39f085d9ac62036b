//! Does an operation cost the same among few and among many?

use std::collections::BTreeMap;

use super::Report;
use super::micro::timed;
use crate::machine::{machine, versions};
use crate::numbers::{median, ratio, shown};
use crate::options::Options;
use crate::peers::{Peer, Peers};
use crate::plot::{Lines, Plot, lines};
use crate::table::Table;

/// A benchmark whose name ends in a size.
struct Figure {
    bench: &'static str,
    title: &'static str,
    sizes: &'static [u64],
}

const SIZES: &[u64] = &[10, 1000, 10_000, 100_000, 1_000_000];

const FIGURES: &[Figure] = &[
    Figure { bench: "selfwake", title: "A task among N that are ready wakes itself", sizes: SIZES },
    Figure { bench: "spawn_among", title: "Spawn a task among N that wait, await it", sizes: SIZES },
    Figure { bench: "spawn_batch", title: "Spawn N tasks, await them; a task", sizes: SIZES },
    Figure { bench: "timer_cancel", title: "Replace one of N timers", sizes: SIZES },
    Figure {
        bench: "depth",
        title: "A ball goes to a task in N nested nurseries, or sets, and comes back",
        sizes: &[1, 10, 100, 1000],
    },
];

/// Growth is not a comparison of all: a few of each kind will do.
const BESIDE: &[&str] = &["giambio", "tokio", "smol", "monoio epoll", "FuturesUnordered", "futures-buffered", "moro"];

/// All benchmarks of this part, with small sizes.
pub(super) fn small_benches() -> impl Iterator<Item = String> {
    FIGURES.iter().flat_map(|figure| figure.sizes[..2].iter().map(move |size| format!("{}_{size}", figure.bench)))
}

pub(super) fn run(options: &Options, peers: &Peers) -> Result<Report, String> {
    let peers: Vec<&'static Peer> = peers.iter().copied().filter(|peer| BESIDE.contains(&peer.name)).collect();
    let mut found: BTreeMap<(&str, u64, &str), Vec<f64>> = BTreeMap::new();
    for _ in options.rounds("growth", 2, 1) {
        for figure in FIGURES {
            for size in figure.sizes.iter().filter(|size| !options.quick || **size <= 100_000) {
                for peer in &peers {
                    let bench = format!("{}_{size}", figure.bench);
                    if let Some(numbers) = timed(peer, &bench, operations(figure.bench, *size)) {
                        found.entry((figure.bench, *size, peer.name)).or_default().push(numbers.get("cpu_ns"));
                    }
                }
            }
        }
    }
    let (mut text, mut panels) = (String::new(), Vec::new());
    for figure in FIGURES {
        let head = figure.sizes.iter().map(|size| shown(*size as f64).replace(".0", ""));
        let mut table = Table::new(std::iter::once("CPU ns".to_owned()).chain(head).chain(["growth".to_owned()]));
        let mut values = Vec::new();
        for peer in &peers {
            let at = |size: &u64| median(found.get(&(figure.bench, *size, peer.name)).into_iter().flatten().copied());
            let times: Vec<f64> = figure.sizes.iter().map(at).collect();
            let known: Vec<f64> = times.iter().copied().filter(|time| !time.is_nan()).collect();
            if let [first, .., last] = known.as_slice() {
                let cells = times.iter().map(|time| shown(*time)).chain([ratio(last / first)]);
                table.row(std::iter::once(peer.name.to_owned()).chain(cells).collect());
                values.push((peer.name, times));
            }
        }
        text += &format!("#### {}\n\n{}", figure.title, table.text());
        let sizes = figure.sizes.iter().map(|size| *size as f64).collect();
        panels.push(Lines { title: figure.title.to_owned(), sizes, values });
    }
    let captions = [&*machine(), &*versions(&peers)];
    let svg = lines("CPU time of one operation among N others, in nanoseconds", captions, &panels);
    Ok(Report { tables: text, plot: Some(Plot { name: "growth", svg }) })
}

fn operations(bench: &str, size: u64) -> u64 {
    match bench {
        "depth" => 400_000 / size,
        "spawn_among" | "timer_cancel" => 100_000,
        _ => (2 * size).max(200_000),
    }
}
