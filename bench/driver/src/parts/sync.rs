//! What tasks say to each other, by giambio's means and by those of other libraries, each on the executor of its family, and
//! the others' in giambio too.

use super::Report;
use super::micro::{Group, counts, operations, table, tables, times};
use crate::build;
use crate::machine::versions;
use crate::numbers::shown;
use crate::options::Options;
use crate::peers::{OURS, Peer, Peers, chosen_of, library};

const PACKAGE: &str = "sync-micro";

const GROUPS: &[Group] = &[
    Group { title: "Locks", benches: &["lock", "lock_2", "lock_100", "permit", "pause_2", "pause_100"] },
    Group {
        title: "Channels",
        benches: &[
            "pass",
            "channel_1_2",
            "channel_16_2",
            "channel_1024_2",
            "channel_1_10",
            "channel_16_10",
            "channel_1024_10",
            "crowd_16_10",
        ],
    },
    Group {
        title: "One value, values for all, the latest, a sign",
        benches: &["oneshot", "broadcast_10", "broadcast_1000", "watch_10", "bell"],
    },
];

const WAITERS: Group = Group { title: "Who waits", benches: &["waiter_lock", "waiter_receive", "waiter_bell"] };

const SMOLS: &[&str] =
    &["async-executor", "async-lock", "async-channel", "async-broadcast", "event-listener", "futures-lite"];

static LIBRARIES: &[Peer] = &[
    library(PACKAGE, OURS, &[]),
    library(PACKAGE, "giambio-shared", &[]),
    library(PACKAGE, "tokio", &["tokio"]),
    library(PACKAGE, "smol", SMOLS),
    library(PACKAGE, "flume", &["flume"]),
    library(PACKAGE, "futures", &["futures"]),
    library(PACKAGE, "embassy", &["embassy-executor", "embassy-sync"]),
    library(PACKAGE, "embassy-shared", &["embassy-sync"]),
    library(PACKAGE, "tokio-in-giambio", &["tokio"]),
    library(PACKAGE, "smol-in-giambio", SMOLS),
    library(PACKAGE, "flume-in-giambio", &["flume"]),
];

/// All benchmarks of this part.
pub(super) fn benches() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().chain([&WAITERS]).flat_map(|group| group.benches).copied()
}

pub(super) fn run(options: &Options, _: &Peers) -> Result<Report, String> {
    build::with_words(PACKAGE, &[])?;
    let libraries = chosen_of(LIBRARIES, &options.only, |name| name.starts_with(OURS));
    let times = times("sync", options, GROUPS, &libraries, operations);
    let counted = counts(options, GROUPS, &libraries);
    let mut text = format!("{}\n\n", versions(&libraries));
    for group in GROUPS {
        text += &format!("#### {}\n\n{}", group.title, tables(group, &libraries, &times, &counted));
    }
    let waiters = counts(options, &[WAITERS], &libraries);
    let bytes = |bench, peer| {
        let numbers = waiters.get(&(bench, peer))?;
        Some(format!("{} / {}", shown(numbers.get("waiter")), shown(numbers.get("bytes"))))
    };
    let instructions = |bench, peer| Some(shown(waiters.get(&(bench, peer))?.get("instructions")));
    text += &format!("#### {}\n\n", WAITERS.title);
    text += &table(&WAITERS, "bytes of its future / and on the heap", &libraries, bytes);
    text += &table(&WAITERS, "instructions to begin to wait, and give up", &libraries, instructions);
    Ok(text.into())
}
