//! Runs steps in two lanes, so that two processors are busy all the time: whoever is free takes a step of the folder that has
//! most left to be built into it, and into which nobody else is building.
//!
//! A step's output goes to a file and is shown if it fails; of one that passes, a line is enough.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::{Tool, is_ci};
use crate::shell::{self, DEBUG, root, say, target_folder};
use crate::steps::{KEPT, Step};

/// What is to be run, and how.
pub(crate) struct Plan {
    pub(crate) steps: Vec<&'static Step>,
    /// Left out as asked.
    pub(crate) skipped: Vec<&'static Step>,
    /// All output is shown.
    pub(crate) is_verbose: bool,
    /// One that fails keeps no other from being run.
    pub(crate) keeps_going: bool,
    /// Who runs single steps runs them again: what they build is kept.
    pub(crate) keeps: bool,
}

/// What became of a step.
struct Report {
    step: &'static Step,
    end: End,
    tests: Tests,
}

enum End {
    Passed,
    Skipped(String),
    Failed(String),
}

/// How many tests passed, and failed.
#[derive(Debug, Default, PartialEq, Clone, Copy)]
struct Tests(u64, u64);

/// What the lanes share.
struct Work {
    waiting: Vec<&'static Step>,
    /// The folders that somebody builds into.
    busy: Vec<&'static str>,
    keeps_going: bool,
    reports: Vec<Report>,
}

/// Runs the steps until one fails, or all if the plan says so; what is under way then is brought to its end.
pub(crate) fn run(plan: &Plan) -> ExitCode {
    let began = Instant::now();
    let logs = root().join(target_folder("xtask"));
    if let Err(error) = fs::create_dir_all(&logs) {
        eprintln!("{}: {error}", logs.display());
        return ExitCode::FAILURE;
    }
    let work =
        Work { waiting: plan.steps.clone(), busy: Vec::new(), keeps_going: plan.keeps_going, reports: Vec::new() };
    let (work, changed) = (Mutex::new(work), Condvar::new());
    // One alone is watched as it runs.
    let lanes = if plan.steps.len() == 1 { 1 } else { 2 };
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some(step) = take(&work, &changed) {
                    let report = take_step(plan, step, (lanes > 1).then(|| logs.join(format!("{}.log", step.name))));
                    let mut work = lock(&work);
                    work.busy.retain(|folder| *folder != step.folder);
                    let is_last = work.waiting.iter().all(|other| other.folder != step.folder);
                    if is_last && !plan.keeps && !KEPT.contains(&step.folder) {
                        shell::remove(step.folder);
                    }
                    work.reports.push(report);
                    changed.notify_all();
                }
            });
        }
    });
    let work = work.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary(&work, began.elapsed())
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next step, of the free folder with the most work; waits for one. `None`: there are no more, or one has failed.
fn take(work: &Mutex<Work>, changed: &Condvar) -> Option<&'static Step> {
    let mut work = lock(work);
    loop {
        let has_failed = work.reports.iter().any(|report| matches!(report.end, End::Failed(_)));
        if has_failed && !work.keeps_going || work.waiting.is_empty() {
            return None;
        }
        let left =
            |folder| work.waiting.iter().filter(|step| step.folder == folder).map(|step| step.seconds).sum::<u32>();
        let free = work.waiting.iter().enumerate().filter(|(_, step)| !work.busy.contains(&step.folder));
        // Of equals the first.
        if let Some((at, _)) = free.rev().max_by_key(|(_, step)| left(step.folder)) {
            let step = work.waiting.remove(at);
            work.busy.push(step.folder);
            return Some(step);
        }
        work = changed.wait(work).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Runs a step and says how it went.
fn take_step(plan: &Plan, step: &'static Step, log: Option<PathBuf>) -> Report {
    println!("        ... {}: {}", step.name, step.checks);
    let began = Instant::now();
    let missing: Vec<&str> = step.needs.iter().filter(|tool| !(tool.is_here)()).map(|tool| tool.name).collect();
    let end = if plan.skipped.iter().any(|skipped| skipped.name == step.name) {
        End::Skipped("as asked".to_owned())
    } else if !missing.is_empty() {
        // Nothing may be left out in CI, and elsewhere all else goes on.
        let why = format!("this machine lacks {}", missing.join(", "));
        if is_ci() { End::Failed(why) } else { End::Skipped(why) }
    } else {
        let file = log.as_deref().map(File::create).transpose();
        if let Err(error) = &file {
            eprintln!("no file for what {} prints: {error}", step.name);
        }
        shell::begin(file.ok().flatten(), step.folder);
        // A panic here fails the step: other lanes wait for its folder.
        match std::panic::catch_unwind(|| step.run()) {
            Ok(Ok(())) => End::Passed,
            Ok(Err(why)) => End::Failed(why),
            Err(_) => End::Failed("a panic of the runner".to_owned()),
        }
    };
    shell::begin(None, DEBUG);
    let output = log.and_then(|log| fs::read_to_string(log).ok()).unwrap_or_default();
    let tests = count(&output);
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let line = match &end {
        End::Passed if tests == Tests::default() => "passed".to_owned(),
        End::Passed => format!("passed, {} tests", tests.0),
        End::Skipped(why) => format!("left out: {why}"),
        End::Failed(why) => format!("FAILED: {why}"),
    };
    // In one piece, whoever else prints.
    match (&end, plan.is_verbose) {
        (End::Failed(_), _) | (_, true) => {
            println!("==> {}\n{}\n{minutes:>5.1} min  {:<20} {line}", step.name, without_passed(&output), step.name);
        }
        _ => println!("{minutes:>5.1} min  {:<20} {line}", step.name),
    }
    Report { step, end, tests }
}

/// A test that passed has nothing to say to who looks for one that failed.
fn without_passed(output: &str) -> String {
    let is_told = |line: &&str| !(line.starts_with("test ") && line.ends_with(" ... ok"));
    output.lines().filter(is_told).collect::<Vec<_>>().join("\n")
}

/// Adds up what test programs say at their end.
fn count(output: &str) -> Tests {
    let mut all = Tests::default();
    for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let number = |what| {
            let (before, _) = line.split_once(what)?;
            before.rsplit(' ').next()?.parse::<u64>().ok()
        };
        all.0 += number(" passed").unwrap_or(0);
        all.1 += number(" failed").unwrap_or(0);
    }
    all
}

/// What was left out, what failed, and how much there was.
fn summary(work: &Work, took: Duration) -> ExitCode {
    let mut all = Tests::default();
    let (mut passed, mut left_out, mut failures) = (0, Vec::new(), Vec::new());
    for Report { step, end, tests: Tests(good, bad) } in &work.reports {
        all.0 += good;
        all.1 += bad;
        match end {
            // A step without tests is one.
            End::Passed => {
                passed += 1;
                all.0 += u64::from(*good == 0);
            }
            End::Skipped(why) => left_out.push(format!("  {}: {why}", step.name)),
            End::Failed(why) => {
                all.1 += u64::from(*bad == 0);
                failures.push(format!("{} failed: {why}", step.name));
            }
        }
        let unused = step.uses.iter().filter(|tool| matches!(end, End::Passed) && !(tool.is_here)());
        left_out.extend(unused.map(|Tool { name, .. }| format!("  parts of {}: this machine lacks {name}", step.name)));
    }
    println!();
    if !left_out.is_empty() {
        println!("left out (`cargo xtask machine` installs what is missing):\n{}", left_out.join("\n"));
    }
    if !work.waiting.is_empty() {
        let names: Vec<&str> = work.waiting.iter().map(|step| step.name).collect();
        println!("not run after the failure: {}", names.join(", "));
    }
    for failure in &failures {
        say(failure);
    }
    let minutes = took.as_secs_f64() / 60.0;
    println!("{passed} of {} steps in {minutes:.1} minutes", work.reports.len() + work.waiting.len());
    println!("{} passed, {} failed", all.0, all.1);
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{Outcome, Part, code};

    #[test]
    fn the_ends_of_test_programs_are_added_up() {
        let output =
            "test result: ok. 3 passed; 0 failed; 1 ignored\nnoise\ntest result: FAILED. 10 passed; 2 failed;\n";
        assert_eq!(count(output), Tests(13, 2));
        assert_eq!(count("no tests here"), Tests(0, 0));
    }

    #[test]
    fn of_a_failure_what_passed_is_not_shown() {
        assert_eq!(without_passed("test a ... ok\ntest b ... FAILED\nwhy"), "test b ... FAILED\nwhy");
    }

    #[test]
    fn a_lane_takes_the_next_step_of_the_free_folder_with_the_most_work() {
        const NOTHING: fn() -> Outcome = || Ok(());
        static STEPS: [Step; 5] = [
            code("a", Part::Ci, "", NOTHING).in_folder("one").takes(2),
            code("b", Part::Ci, "", NOTHING).in_folder("two").takes(3),
            code("c", Part::Ci, "", NOTHING).in_folder("one").takes(2),
            code("d", Part::Ci, "", NOTHING).in_folder("three").takes(2),
            code("e", Part::Ci, "", NOTHING).in_folder("four").takes(2),
        ];
        let work = Mutex::new(waiting(&STEPS));
        let changed = Condvar::new();
        let take = || take(&work, &changed).map(|step| step.name);
        assert_eq!([take(), take(), take()], [Some("a"), Some("b"), Some("d")]);
        lock(&work).busy.clear();
        assert_eq!([take(), take()], [Some("c"), Some("e")]);
        assert_eq!(take(), None);
    }

    #[test]
    fn after_a_failure_nothing_is_begun_but_by_who_keeps_going() {
        static STEPS: [Step; 1] = [code("a", Part::Ci, "", || Ok(()))];
        for keeps_going in [false, true] {
            let failed = Report { step: &STEPS[0], end: End::Failed(String::new()), tests: Tests(0, 1) };
            let work = Mutex::new(Work { keeps_going, reports: vec![failed], ..waiting(&STEPS) });
            assert_eq!(take(&work, &Condvar::new()).is_some(), keeps_going);
        }
    }

    fn waiting(steps: &'static [Step]) -> Work {
        Work { waiting: steps.iter().collect(), busy: Vec::new(), keeps_going: false, reports: Vec::new() }
    }
}
