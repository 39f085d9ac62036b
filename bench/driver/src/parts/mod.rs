//! The parts of the suite, one a file. Each measures, and returns its tables.

mod cores;
mod echo;
mod growth;
mod latency;
mod message;
mod micro;
pub(crate) mod smoke;

use crate::options::Options;
use crate::peers::Peers;
use crate::plot::Plot;

pub(crate) struct Part {
    pub(crate) name: &'static str,
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
    Part { name: "echo", run: echo::run },
    Part { name: "message", run: message::run },
    Part { name: "micro", run: micro::run },
    Part { name: "latency", run: latency::run },
    Part { name: "growth", run: growth::run },
    Part { name: "cores", run: cores::run },
];
