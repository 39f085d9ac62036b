//! Each program of `docs/` does what its page says.

#[path = "../src/pages.rs"]
mod pages;

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pages::Program;

/// They mostly sleep.
const AT_ONCE: usize = 8;

#[test]
fn every_program_does_what_its_page_says() {
    let programs: Vec<Program> = pages::programs().into_iter().filter(|program| program.runs).collect();
    assert!(programs.len() > 20, "only {} programs were found", programs.len());
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = check(program) {
                        complaints.lock().unwrap().push(format!("docs/{}, line {}: {why}", program.page, program.line));
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

fn check(program: &Program) -> Result<(), String> {
    let ran = Command::new(env!("CARGO_BIN_EXE_giambio-book"))
        .arg(program.name())
        .output()
        .map_err(|error| error.to_string())?;
    let (output, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    if ran.status.success() == program.panics {
        return Err(format!("it ended with {}, having said:\n{output}{errors}", ran.status));
    }
    match &program.output {
        Some(shown) if !agrees(shown, &output) => Err(format!("the page shows:\n{shown}\n\nit prints:\n{output}")),
        _ => Ok(()),
    }
}

/// Whether what was printed is what is shown, in which `…` stands for anything in a line, or alone for any lines.
fn agrees(shown: &str, printed: &str) -> bool {
    let (shown, printed): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), printed.lines().collect());
    lines_agree(&shown, &printed)
}

fn lines_agree(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], rest) => rest.is_empty(),
        (["…", shown @ ..], printed) => (0..=printed.len()).any(|skipped| lines_agree(shown, &printed[skipped..])),
        ([first, shown @ ..], [line, printed @ ..]) => line_agrees(first, line) && lines_agree(shown, printed),
        (_, []) => false,
    }
}

fn line_agrees(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown.trim_end() == printed.trim_end(),
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|printed| {
            let ends = printed.char_indices().map(|(at, _)| at).chain([printed.len()]);
            ends.into_iter().any(|at| line_agrees(rest, &printed[at..]))
        }),
    }
}

#[test]
fn an_ellipsis_stands_for_anything() {
    assert!(agrees("a … c\n…\nend", "a bb c\nx\ny\nend\n"));
    assert!(!agrees("a … c", "a bb d"));
    assert!(!agrees("one\ntwo", "one"));
    assert!(!agrees("one", "one\ntwo"));
}
