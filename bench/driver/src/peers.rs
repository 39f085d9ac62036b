//! Who is measured: a row each. To add a peer, add its programs under `echo/` and `micro/`, and a row here.

/// A runtime, or another way to run many futures on one thread.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Its package under `micro/` and the variant, its first argument.
    pub(crate) micro: Option<(&'static str, &'static str)>,
    /// Its package under `echo/` and the variant, its second argument.
    pub(crate) echo: Option<(&'static str, &'static str)>,
    /// The crates that it is made of.
    pub(crate) crates: &'static [&'static str],
}

/// Some of them.
pub(crate) type Peers = [&'static Peer];

pub(crate) const OURS: &str = "giambio";
/// The limits: what there is to do in any case, without a runtime.
pub(crate) const RAW: &str = "raw epoll";
pub(crate) const FLOOR: &str = "floor";

pub(crate) const PEERS: &[Peer] = &[
    Peer { name: OURS, micro: Some(("giambio-micro", "")), echo: Some(("giambio-echo", "")), crates: &["giambio"] },
    Peer { name: RAW, micro: None, echo: Some(("raw-echo", "")), crates: &[] },
    Peer { name: FLOOR, micro: Some(("floor-micro", "floor")), echo: None, crates: &[] },
    Peer {
        name: "tokio",
        micro: Some(("tokio-micro", "current")),
        echo: Some(("tokio-echo", "current")),
        crates: &["tokio", "mio"],
    },
    Peer {
        name: "tokio LocalSet",
        micro: Some(("tokio-micro", "local")),
        echo: Some(("tokio-echo", "local")),
        crates: &["tokio"],
    },
    Peer {
        name: "smol",
        micro: Some(("smol-micro", "smol")),
        echo: Some(("smol-echo", "")),
        crates: &["async-executor", "async-io", "polling"],
    },
    Peer {
        name: "monoio epoll",
        micro: Some(("monoio-micro", "epoll")),
        echo: Some(("monoio-echo", "epoll")),
        crates: &["monoio"],
    },
    Peer {
        name: "monoio uring",
        micro: Some(("monoio-micro", "uring")),
        echo: Some(("monoio-echo", "uring")),
        crates: &["monoio"],
    },
    Peer {
        name: "compio epoll",
        micro: Some(("compio-micro", "epoll")),
        echo: Some(("compio-echo", "epoll")),
        crates: &["compio"],
    },
    Peer {
        name: "compio uring",
        micro: Some(("compio-micro", "uring")),
        echo: Some(("compio-echo", "uring")),
        crates: &["compio"],
    },
    Peer { name: "FuturesUnordered", micro: Some(("futures-micro", "unordered")), echo: None, crates: &["futures"] },
    Peer {
        name: "futures-buffered",
        micro: Some(("futures-micro", "buffered")),
        echo: None,
        crates: &["futures-buffered"],
    },
    Peer { name: "moro", micro: Some(("moro-micro", "scope")), echo: None, crates: &["moro-local"] },
    Peer { name: "embassy", micro: Some(("embassy-micro", "std")), echo: None, crates: &["embassy-executor"] },
];

/// One of the libraries of a program that has several: its name is the program's variant, too.
pub(crate) const fn library(package: &'static str, name: &'static str, crates: &'static [&'static str]) -> Peer {
    Peer { name, micro: Some((package, name)), echo: None, crates }
}

/// giambio, the limits, and those that are named; all if none is.
pub(crate) fn chosen(only: &[String]) -> Vec<&'static Peer> {
    chosen_of(PEERS, only, |name| [OURS, RAW, FLOOR].contains(&name))
}

/// Those that are there always, and those that are named; all if none is.
pub(crate) fn chosen_of(all: &'static [Peer], only: &[String], is_always: fn(&str) -> bool) -> Vec<&'static Peer> {
    let is_chosen = |peer: &&Peer| {
        only.is_empty() || is_always(peer.name) || only.iter().any(|name| peer.name.contains(name.as_str()))
    };
    all.iter().filter(is_chosen).collect()
}
