//! Runs steps one after the other in two lanes, of which neither waits for the other: two processors are busy all the time.

use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use crate::shell::{self, root, say, target_folder};
use crate::steps::{Step, Verdict};

/// What became of a step.
struct Report {
    name: &'static str,
    took: Duration,
    end: End,
}

enum End {
    Passed,
    Skipped(String),
    Failed(String),
}

/// Runs the steps, each lane until one of its steps fails, and says what became of them.
pub(crate) fn run(steps: &[&'static Step], skipped: &[&Step]) -> ExitCode {
    let began = Instant::now();
    let (beside, here): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| step.is_beside);
    let reports = if here.is_empty() || beside.is_empty() {
        lane(steps, skipped)
    } else {
        match both(&here, &beside, skipped) {
            Ok(reports) => reports,
            Err(why) => {
                eprintln!("{why}");
                return ExitCode::FAILURE;
            }
        }
    };
    summary(&reports, steps.len(), began.elapsed());
    let _ = std::io::stdout().flush();
    let mut code = ExitCode::SUCCESS;
    for Report { name, end, .. } in &reports {
        if let End::Failed(why) = end {
            eprintln!("{name} failed: {why}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Two lanes at once. What the second prints is shown at its end, in one piece.
fn both(here: &[&'static Step], beside: &[&'static Step], skipped: &[&Step]) -> Result<Vec<Report>, String> {
    let path = root().join(target_folder("beside.log"));
    let log = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::File::create(&path));
    let log = log.map_err(|error| format!("{}: {error}", path.display()))?;
    let names: Vec<&str> = beside.iter().map(|step| step.name).collect();
    println!(
        "at the same time: {}; their output comes last, and is in {} until then",
        names.join(", "),
        path.display()
    );
    let (mut reports, others) = thread::scope(|scope| {
        let second = scope.spawn(|| {
            shell::print_to(log);
            lane(beside, skipped)
        });
        (lane(here, skipped), second.join())
    });
    println!("\n==> at the same time\n{}", std::fs::read_to_string(&path).unwrap_or_default());
    reports.extend(others.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    Ok(reports)
}

/// Runs steps in order. The first that fails is the last.
fn lane(steps: &[&'static Step], skipped: &[&Step]) -> Vec<Report> {
    let mut reports = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        say(&format!("\n==> {}/{} {}: {}", number + 1, steps.len(), step.name, step.checks));
        let began = Instant::now();
        let verdict = match skipped.iter().any(|skipped| skipped.name == step.name) {
            true => Ok(Verdict::Skipped("as asked by --skip".to_owned())),
            false => (step.run)(),
        };
        let end = match verdict {
            Ok(Verdict::Passed) => End::Passed,
            Ok(Verdict::Skipped(why)) => {
                let stars = "*".repeat(72);
                say(&format!("{stars}\nSKIPPED {}: {why}\n{stars}", step.name));
                End::Skipped(why)
            }
            Err(why) => {
                say(&format!("FAILED {}: {why}", step.name));
                End::Failed(why)
            }
        };
        let took = began.elapsed();
        say(&format!("<== {} {}", step.name, seconds(took)));
        let is_last = matches!(end, End::Failed(_));
        reports.push(Report { name: step.name, took, end });
        if is_last {
            break;
        }
    }
    reports
}

fn summary(reports: &[Report], wanted: usize, took: Duration) {
    println!("\n==> all in {}", seconds(took).trim());
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for Report { name, took, end } in reports {
        let verdict = match end {
            End::Passed => {
                passed += 1;
                "passed"
            }
            End::Skipped(why) => {
                skipped += 1;
                &format!("SKIPPED: {why}")
            }
            End::Failed(_) => {
                failed += 1;
                "FAILED"
            }
        };
        println!("{} {name:<20} {verdict}", seconds(*took));
    }
    if reports.len() < wanted {
        println!("not run after the failure: {}", wanted - reports.len());
    }
    println!("steps: {passed} passed, {failed} failed, {skipped} skipped");
}

fn seconds(span: Duration) -> String {
    format!("{:>7.1} s", span.as_secs_f64())
}
