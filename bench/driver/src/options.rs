//! The command line.

use crate::parts::{PARTS, Part};
use crate::rounds::Rounds;

pub(crate) const HELP: &str = "\
Runs giambio and its peers side by side, in interleaved rounds, and prints tables of ratios.

cargo xtask bench [PART...]   all parts, or these:
    echo      throughput, latency and CPU of echo servers at 1, 50 and 1,000 connections
    message   system calls and instructions of an echoed message, memory of an idle connection
    micro     spawning, switching, timers, cancelling: CPU time, instructions, allocations of one operation
    sync      locks, channels, events, of libraries: CPU time, instructions, allocations, bytes of who waits
    system    datagrams, streams, programs, files, threads, of libraries: CPU time, system calls, allocations
    latency   wakes from another thread, lateness of timers, a process that idles
    growth    the cost of an operation among 10 to 1,000,000 tasks, and in 1 to 1,000 nurseries
    cores     giambio's echo server on one thread and on two
    smoke     giambio's programs alone, for a moment: do they work?

--rounds N         how often each is measured, if time allows (the parts know how often is enough)
--quick            few rounds and short ones, to see whether a change did something
--only NAME,NAME   these peers beside giambio and the limits
--save             writes the tables into bench/README.md and the plots into bench/plots
--help             this text
";

/// What the command line asks for.
pub(crate) enum Wish {
    Help,
    Smoke,
    Run(Options),
}

pub(crate) struct Options {
    pub(crate) parts: Vec<&'static Part>,
    pub(crate) rounds: Option<usize>,
    pub(crate) quick: bool,
    /// Empty: all.
    pub(crate) only: Vec<String>,
    pub(crate) save: bool,
}

impl Options {
    pub(crate) fn read(words: &[String]) -> Result<Wish, String> {
        let mut options = Options { parts: Vec::new(), rounds: None, quick: false, only: Vec::new(), save: false };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "--help" | "-h" => return Ok(Wish::Help),
                "smoke" => return Ok(Wish::Smoke),
                "--quick" => options.quick = true,
                "--save" => options.save = true,
                "--rounds" => {
                    let rounds = words.next().and_then(|word| word.parse().ok()).filter(|rounds| *rounds > 0);
                    options.rounds = Some(rounds.ok_or("--rounds wants a number")?);
                }
                "--only" => {
                    let names = words.next().ok_or("--only wants the names of peers")?;
                    options.only = names.split(',').map(str::to_owned).collect();
                }
                name => {
                    let part = PARTS.iter().find(|part| part.name == name);
                    options.parts.push(part.ok_or(format!("there is no part or option {name}"))?);
                }
            }
        }
        if options.parts.is_empty() {
            options.parts = PARTS.iter().collect();
        }
        Ok(Wish::Run(options))
    }

    /// The rounds of a part: so many, unless the command line says otherwise.
    pub(crate) fn rounds(&self, part: &'static str, full: usize, quick: usize) -> Rounds {
        Rounds::new(part, self.rounds.unwrap_or(if self.quick { quick } else { full }), self.quick)
    }
}
