//! The parts of the suite, one a file. Each measures, and returns its tables.

mod cores;
mod echo;
mod growth;
mod latency;
mod message;
mod micro;
pub(crate) mod smoke;
mod sync;
mod system;

use crate::options::Options;
use crate::peers::Peers;
use crate::plot::Plot;

pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Of runtimes, whose programs are built before.
    pub(crate) is_of_peers: bool,
    pub(crate) run: fn(&Options, &Peers) -> Result<Report, String>,
}

/// What a part has found.
pub(crate) struct Report {
    pub(crate) tables: String,
    pub(crate) plot: Option<Plot>,
}

impl From<String> for Report {
    fn from(tables: String) -> Report {
        Report { tables, plot: None }
    }
}

pub(crate) const PARTS: &[Part] = &[
    Part { name: "echo", is_of_peers: true, run: echo::run },
    Part { name: "message", is_of_peers: true, run: message::run },
    Part { name: "micro", is_of_peers: true, run: micro::run },
    Part { name: "sync", is_of_peers: false, run: sync::run },
    Part { name: "system", is_of_peers: false, run: system::run },
    Part { name: "latency", is_of_peers: true, run: latency::run },
    Part { name: "growth", is_of_peers: true, run: growth::run },
    Part { name: "cores", is_of_peers: true, run: cores::run },
];
