//! `cargo xtask`: the checks of giambio, in two lanes.
//!
//! What is checked is the table in `steps.rs`; `lanes.rs` runs its rows. `machine.rs` knows what a machine must have for
//! that and how to get it; `shell.rs` runs a command and says which one failed. `platforms.rs` is the table of systems; those
//! that are run here are in `systems.rs`, and how, in `foreign.rs`. What must hold of the sources is in `tests/rules`: plain
//! tests, built with those of the runner.

mod bench;
#[path = "../book/src/pages.rs"]
mod book;
mod empty_crates;
mod faults;
mod firmware;
mod foreign;
mod fuzz;
mod lanes;
mod machine;
mod packages;
mod platforms;
#[cfg(test)]
#[path = "../rules/mod.rs"]
mod rules;
mod sanitizers;
mod shell;
mod site;
mod steps;
mod systems;
mod tables;

use std::process::ExitCode;

use lanes::Plan;
use machine::{BENCH_TOOLS, VALGRIND};
use shell::Shell;
use steps::{Outcome, PUBLIC_API, Part, STEPS, Step};

const HELP: &str = "\
Runs what is checked about giambio, step by step in two lanes, until one fails.

cargo xtask test            every test that this machine has the tools for; names what it lacks, and installs nothing
cargo xtask test --quick    the inner loop: what tells most in a minute
cargo xtask machine         installs what `test` and `ci` want, from Debian's packages; removes nothing
cargo xtask machine --all   the same for `release` and the benchmarks too
cargo xtask ci              what every change has to pass beside `test`: lints, other systems, sanitizers, and more
cargo xtask release         what takes too long for every change
cargo xtask test ci         both at once, as CI does it
cargo xtask step NAME...    these steps alone
cargo xtask list            the steps
cargo xtask bench ...       giambio beside its peers; `cargo xtask bench --help` says more
cargo xtask bench-embedded  what giambio, embassy and lilos cost on a Cortex-M3; more words choose: bench/embedded
cargo xtask site            the book and the documentation of the libraries, in one folder
cargo xtask soak            connections that come and go at random; for ten minutes, or as long as --minutes N says
cargo xtask format --write          formats everything, as the step `format` wants it
cargo xtask public-api --write      brings the lists of the public API up to date
cargo xtask tables --write          brings the tables of systems and features in docs/ up to date

--verbose                   shows what each step prints; without it, that of those that fail
--keep-going                runs the other steps, too, when one has failed
--skip NAME                 leaves a step out, as often as given
--help                      this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match Command::read(&arguments) {
        Ok(command) => command,
        Err(complaint) => {
            eprintln!("{complaint}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let ended = match command {
        Command::Run(plan) => {
            if !plan.keeps {
                shell::build_lean();
            }
            return lanes::run(&plan);
        }
        Command::Print(text) => {
            print!("{}", text());
            Ok(())
        }
        Command::Do(work) => work(),
        Command::Bench(run, words) => run(words),
        Command::Soak(minutes) => soak(minutes),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
enum Command<'a> {
    Run(Plan),
    Print(fn() -> String),
    Do(fn() -> Outcome),
    /// The words are the benchmarks' own.
    Bench(fn(&[String]) -> Outcome, &'a [String]),
    Soak(u64),
}

/// The options, and what remains: the words.
#[derive(Default)]
struct Options<'a> {
    words: Vec<&'a str>,
    quick: bool,
    write: bool,
    all: bool,
    minutes: Option<u64>,
    is_verbose: bool,
    keeps_going: bool,
    skipped: Vec<&'static Step>,
}

impl Command<'_> {
    fn read(arguments: &[String]) -> Result<Command<'_>, String> {
        match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
            Some(("bench", rest)) => return Ok(Command::Bench(bench::run, rest)),
            Some(("bench-embedded", rest)) => return Ok(Command::Bench(bench::embedded, rest)),
            _ => {}
        }
        let mut given = Options::default();
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            match argument {
                "--help" | "-h" => return Ok(Command::Print(help)),
                "--quick" => given.quick = true,
                "--write" => given.write = true,
                "--all" => given.all = true,
                "--verbose" => given.is_verbose = true,
                "--keep-going" => given.keeps_going = true,
                "--skip" => given.skipped.push(step(rest.next().ok_or("--skip wants the name of a step")?)?),
                "--minutes" => {
                    let number = rest.next().and_then(|number| number.parse().ok());
                    given.minutes = Some(number.ok_or("--minutes wants a number")?);
                }
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                word => given.words.push(word),
            }
        }
        let is_plain = !(given.quick || given.write || given.all) && given.minutes.is_none();
        let steps = match (given.words.as_slice(), is_plain) {
            ([] | ["help"], true) => return Ok(Command::Print(help)),
            (["list"], true) => return Ok(Command::Print(list)),
            (["site"], true) => return Ok(Command::Do(site::run)),
            (["machine"], true) => return Ok(Command::Do(|| machine::get_for(Part::Ci, &[]))),
            (["machine"], false) if given.all => {
                return Ok(Command::Do(|| machine::get_for(Part::Release, &[&VALGRIND, &BENCH_TOOLS])));
            }
            (["tables"], false) if given.write => return Ok(Command::Do(tables::write)),
            (["format"], false) if given.write => return Ok(Command::Do(|| steps::rustfmt(""))),
            (["public-api"], false) if given.write => return Ok(Command::Do(write_api)),
            (["soak"], true) => return Ok(Command::Soak(10)),
            (["soak"], false) if let Some(minutes) = given.minutes => return Ok(Command::Soak(minutes)),
            (["test"], false) if given.quick => steps_of(&[Part::Quick]),
            (["step"], _) => return Err("step wants the names of steps".to_owned()),
            (["step", names @ ..], true) => names.iter().map(|name| step(name)).collect::<Result<_, _>>()?,
            (words, true) if let Some(parts) = parts(words) => steps_of(&parts),
            (words, _) => return Err(format!("there is no command `{}` with these options", words.join(" "))),
        };
        let Options { words, quick, skipped, is_verbose, keeps_going, .. } = given;
        Ok(Command::Run(Plan { steps, skipped, is_verbose, keeps_going, keeps: words[0] == "step" || quick }))
    }
}

fn write_api() -> Outcome {
    Shell::new("cargo run --quiet --locked --manifest-path tests/public_api/Cargo.toml").in_folder(PUBLIC_API).run()
}

/// Connections that come and go at random, for so long; memory, descriptors and timers have to stay as they are.
fn soak(minutes: u64) -> Outcome {
    Shell::new("cargo test -p giambio-tests --release --test soak -- --nocapture")
        .env("GIAMBIO_SOAK_SECONDS", &(minutes * 60).to_string())
        .run()
}

fn step(name: &str) -> Result<&'static Step, String> {
    let found = STEPS.iter().find(|step| step.name == name);
    found.ok_or_else(|| format!("there is no step {name}: `cargo xtask list` names them"))
}

/// What several commands have in them, in one run; `None`: they are others.
fn parts(words: &[&str]) -> Option<Vec<Part>> {
    let part = |word: &&str| match *word {
        "test" => Some(Part::Test),
        "ci" => Some(Part::Ci),
        "release" => Some(Part::Release),
        _ => None,
    };
    words.iter().map(part).collect()
}

fn steps_of(parts: &[Part]) -> Vec<&'static Step> {
    STEPS.iter().filter(|step| parts.contains(&step.part)).collect()
}

fn help() -> String {
    HELP.to_owned()
}

fn list() -> String {
    let row = |step: &Step| {
        let part = match step.part {
            Part::Quick => "test --quick",
            Part::Test => "test",
            Part::Ci => "ci",
            Part::Release => "release",
        };
        format!("{:<22} {part:<14} {}\n", step.name, step.checks)
    };
    STEPS.iter().map(row).collect()
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
        let mut all = ["test --quick", "test", "ci", "release"].map(|command| names(command).unwrap()).concat();
        all.sort_unstable();
        let mut wanted: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        wanted.sort_unstable();
        assert_eq!(all, wanted);
        let together = names("test ci release").unwrap();
        assert_eq!(together.len(), all.len() - names("test --quick").unwrap().len());
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
