//! `cargo xtask`: every check of giambio, run until one fails.
//!
//! What is checked is the table in `steps.rs`; `lanes.rs` runs its rows. `machine.rs` knows what a machine must have for
//! that and how to get it; `shell.rs` runs a command and says which one failed. `platforms.rs` is the table of systems; how one is
//! built for and run here: `foreign.rs`, with `windows.rs` and `linux.rs`. What must hold of sources and dependencies is in
//! `rules.rs`, what of the public API in `api.rs`.

mod api;
mod bench;
mod bench_embedded;
#[cfg(test)]
mod cancellation;
mod faults;
mod firmware;
#[cfg(test)]
mod floors;
mod foreign;
mod lanes;
mod laws;
mod linux;
mod machine;
mod outside;
#[cfg(test)]
mod page;
mod platforms;
mod rules;
mod sanitizers;
mod shell;
mod steps;
mod windows;

use std::process::ExitCode;

use lanes::Plan;
use machine::{BENCH_TOOLS, Tool, VALGRIND};
use steps::{Part, STEPS, Step};

const HELP: &str = "\
Runs what is checked about giambio, step by step in two lanes, until one fails.

cargo xtask test            every test that this machine has the tools for; names what it lacks, and installs nothing
cargo xtask test --quick    the inner loop: unit and integration tests
cargo xtask machine         installs what `test` and `ci` want, from Debian's packages; removes nothing
cargo xtask machine --all   the same for `release` and the benchmarks too
cargo xtask ci              what every change has to pass beside `test`: lints, other systems, sanitizers, and more
cargo xtask release         what takes too long for every change
cargo xtask step NAME...    these steps alone
cargo xtask list            the steps
cargo xtask bench ...       giambio beside its peers; `cargo xtask bench --help` says more
cargo xtask bench-embedded  what giambio, embassy and lilos cost on a Cortex-M3; more words choose: bench/embedded
cargo xtask soak            connections that come and go at random; for ten minutes, or as long as --minutes N says
cargo xtask platforms       what is done for each system; with --write, puts it into the README
cargo xtask format --write          formats everything, as the step `format` wants it
cargo xtask public-api --write      brings the lists of the public API up to date

--verbose                   shows what each step prints; without it, that of those that fail
--skip NAME                 leaves a step out, as often as given
--help                      this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("bench", words)) = arguments.split_first().map(|(first, words)| (first.as_str(), words)) {
        return match bench::run(words) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        };
    }
    let command = match Command::read(&arguments) {
        Ok(command) => command,
        Err(complaint) => {
            eprintln!("{complaint}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match command {
        Command::Help => print!("{HELP}"),
        Command::List => list(),
        Command::Soak { minutes } => {
            if let Err(why) = laws::soak(minutes) {
                eprintln!("soak failed: {why}");
                return ExitCode::FAILURE;
            }
        }
        Command::Platforms => print!("{}", platforms::table()),
        Command::Machine { is_for_all } => {
            let last = if is_for_all { Part::Release } else { Part::Ci };
            let others: &[&Tool] = if is_for_all { &[&VALGRIND, &BENCH_TOOLS] } else { &[] };
            if let Err(why) = machine::get(STEPS.iter().filter(|step| step.part <= last), others) {
                eprintln!("{why}");
                return ExitCode::FAILURE;
            }
        }
        Command::Write(write) => {
            if let Err(why) = write() {
                eprintln!("{why}");
                return ExitCode::FAILURE;
            }
        }
        Command::Run(plan) => return lanes::run(&plan),
        Command::BenchEmbedded(arguments) => {
            if let Err(error) = bench_embedded::run(&arguments) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// What the command line asks for.
enum Command {
    Help,
    List,
    BenchEmbedded(Vec<String>),
    Soak {
        minutes: u64,
    },
    Platforms,
    /// Brings a file up to date.
    Write(fn() -> Result<(), String>),
    /// Gets what steps want, and others.
    Machine {
        is_for_all: bool,
    },
    Run(Plan),
}

impl Command {
    fn read(arguments: &[String]) -> Result<Command, String> {
        if let [first, rest @ ..] = arguments
            && first == "bench-embedded"
        {
            return Ok(Command::BenchEmbedded(rest.to_vec()));
        }
        let mut words = Vec::new();
        let mut quick = false;
        let mut write = false;
        let mut is_verbose = false;
        let mut is_for_all = false;
        let mut skipped = Vec::new();
        let mut minutes = None;
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            match argument {
                "--help" | "-h" => return Ok(Command::Help),
                "--quick" => quick = true,
                "--write" => write = true,
                "--verbose" => is_verbose = true,
                "--all" => is_for_all = true,
                "--skip" => skipped.push(step(rest.next().ok_or("--skip wants the name of a step")?)?),
                "--minutes" => {
                    let number = rest.next().and_then(|number| number.parse().ok());
                    minutes = Some(number.ok_or("--minutes wants a number")?);
                }
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                word => words.push(word),
            }
        }
        let steps = match words.as_slice() {
            [] | ["help"] => return Ok(Command::Help),
            ["list"] => return Ok(Command::List),
            ["soak"] => return Ok(Command::Soak { minutes: minutes.unwrap_or(10) }),
            ["platforms"] if write => return Ok(Command::Write(platforms::write_table)),
            ["platforms"] => return Ok(Command::Platforms),
            ["format"] if write => return Ok(Command::Write(steps::write_format)),
            ["public-api"] if write => return Ok(Command::Write(api::write)),
            ["machine"] => return Ok(Command::Machine { is_for_all }),
            ["test"] if quick => steps_of(&[Part::Quick]),
            ["test"] => steps_of(&[Part::Quick, Part::Test]),
            ["ci"] => steps_of(&[Part::Ci]),
            ["release"] => steps_of(&[Part::Release]),
            ["step"] => return Err("step wants the names of steps".to_owned()),
            ["step", names @ ..] => names.iter().map(|name| step(name)).collect::<Result<_, _>>()?,
            words => return Err(format!("there is no command `{}`", words.join(" "))),
        };
        if quick && words != ["test"] {
            return Err("--quick goes with test".to_owned());
        }
        if minutes.is_some() {
            return Err("--minutes goes with soak".to_owned());
        }
        if write {
            return Err("--write goes with format, platforms and public-api".to_owned());
        }
        if is_for_all {
            return Err("--all goes with machine".to_owned());
        }
        if words[0] == "step" {
            shell::keep_what_is_built();
        }
        Ok(Command::Run(Plan { steps, skipped, is_verbose }))
    }
}

fn step(name: &str) -> Result<&'static Step, String> {
    let found = STEPS.iter().find(|step| step.name == name);
    found.ok_or_else(|| format!("there is no step {name}: `cargo xtask list` names them"))
}

fn steps_of(parts: &[Part]) -> Vec<&'static Step> {
    STEPS.iter().filter(|step| parts.contains(&step.part)).collect()
}

fn list() {
    for Step { name, part, checks, .. } in STEPS {
        let part = match part {
            Part::Quick => "test --quick",
            Part::Test => "test",
            Part::Ci => "ci",
            Part::Release => "release",
        };
        println!("{name:<20} {part:<14} {checks}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Result<Vec<&'static str>, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match Command::read(&arguments)? {
            Command::Run(plan) => Ok(plan.steps.iter().map(|step| step.name).collect()),
            _ => Err("no steps".to_owned()),
        }
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for (at, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..at].iter().all(|other| other.name != step.name), "{} is there twice", step.name);
        }
    }

    #[test]
    fn each_step_is_in_exactly_one_command() {
        let mut all = [names("test").unwrap(), names("ci").unwrap(), names("release").unwrap()].concat();
        all.sort_unstable();
        let mut wanted: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        wanted.sort_unstable();
        assert_eq!(all, wanted);
        let (quick, test) = (names("test --quick").unwrap(), names("test").unwrap());
        assert!(quick.len() < test.len() && quick.iter().all(|step| test.contains(step)));
    }

    #[test]
    fn a_word_that_means_nothing_is_refused() {
        for line in [
            "tset",
            "test --fast",
            "ci --quick",
            "step",
            "step nonsense",
            "test --skip",
            "test --skip nonsense",
            "ci --minutes 1",
            "soak --minutes x",
            "ci --write",
            "format",
            "test --all",
        ] {
            assert!(names(line).is_err(), "{line}");
        }
    }
}
