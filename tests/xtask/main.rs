//! `cargo xtask`: every check of giambio, run until one fails.
//!
//! What is checked is the table in `steps.rs`, in the order of its rows; `lanes.rs` runs them. `machine.rs` knows what a machine must have for that and
//! how to get it; `shell.rs` runs a command and says which one failed. `platforms.rs` is the table of systems; how one is
//! built for and run here: `foreign.rs`, with `windows.rs` and `linux.rs`. What must hold of sources and dependencies is in
//! `rules.rs`, what of the public API in `api.rs`.

mod api;
mod bench;
mod bench_embedded;
mod clients;
mod emulator;
mod faults;
mod firmware;
mod foreign;
mod lanes;
mod laws;
mod linux;
mod machine;
#[cfg(test)]
mod page;
mod platforms;
mod rules;
mod sanitizers;
mod seams;
mod shell;
mod steps;
mod windows;

use std::process::ExitCode;

use steps::{Part, STEPS, Step};

const HELP: &str = "\
Runs what is checked about giambio, step by step in two lanes, each until one fails.

cargo xtask test            every test; installs or names what the machine lacks
cargo xtask test --quick    the inner loop: unit and integration tests
cargo xtask ci              format, lints, documentation, then every test
cargo xtask release         the same, and what takes too long for every change
cargo xtask step NAME...    these steps alone
cargo xtask list            the steps
cargo xtask bench ...       giambio beside its peers; `cargo xtask bench --help` says more
cargo xtask bench-embedded  what giambio, embassy and lilos cost on a Cortex-M3; more words choose: bench/embedded
cargo xtask soak            connections that come and go at random; for ten minutes, or as long as --minutes N says
cargo xtask platforms       what is done for each system; with --write, puts it into the README
cargo xtask public-api --write      brings the lists of the public API up to date

--skip NAME                 leaves a step out, as often as given; the last line counts it
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
        Command::Write(write) => {
            if let Err(why) = write() {
                eprintln!("{why}");
                return ExitCode::FAILURE;
            }
        }
        Command::Run { steps, skipped } => return lanes::run(&steps, &skipped),
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
    Run {
        steps: Vec<&'static Step>,
        skipped: Vec<&'static Step>,
    },
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
        let mut skipped = Vec::new();
        let mut minutes = None;
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            match argument {
                "--help" | "-h" => return Ok(Command::Help),
                "--quick" => quick = true,
                "--write" => write = true,
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
            ["public-api"] if write => return Ok(Command::Write(api::write)),
            ["test"] if quick => steps_of(Part::Quick),
            ["test"] => steps_of(Part::Test),
            ["ci"] => steps_of(Part::Ci),
            ["release"] => steps_of(Part::Release),
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
            return Err("--write goes with platforms and public-api".to_owned());
        }
        Ok(Command::Run { steps, skipped })
    }
}

fn step(name: &str) -> Result<&'static Step, String> {
    let found = STEPS.iter().find(|step| step.name == name);
    found.ok_or_else(|| format!("there is no step {name}: `cargo xtask list` names them"))
}

/// The steps of a command: each part has those of the smaller ones too.
fn steps_of(part: Part) -> Vec<&'static Step> {
    STEPS.iter().filter(|step| step.part <= part).collect()
}

fn list() {
    for Step { name, part, checks, .. } in STEPS {
        let part = match part {
            Part::Quick => "quick, test, ci, release",
            Part::Test => "test, ci, release",
            Part::Ci => "ci, release",
            Part::Release => "release",
        };
        println!("{name:<20} {part:<24} {checks}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Result<Vec<&'static str>, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match Command::read(&arguments)? {
            Command::Run { steps, .. } => Ok(steps.iter().map(|step| step.name).collect()),
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
    fn each_command_runs_more_than_the_one_before_and_the_last_everything() {
        assert_eq!(names("release").unwrap().len(), STEPS.len());
        assert!(names("ci").unwrap().len() < STEPS.len());
        assert!(names("test").unwrap().len() < names("ci").unwrap().len());
        assert!(names("test --quick").unwrap().len() < names("test").unwrap().len());
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
        ] {
            assert!(names(line).is_err(), "{line}");
        }
    }
}
