//! Each program of `docs/` does what its page says.

#[path = "../src/pages.rs"]
mod pages;

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pages::{Program, agrees};

const OTHER_CRATES: bool = cfg!(feature = "other-crates");

/// They mostly sleep.
const AT_ONCE: usize = 8;

#[test]
fn every_program_does_what_its_page_says() {
    let programs: Vec<Program> = pages::programs(OTHER_CRATES).into_iter().filter(|program| program.runs).collect();
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
    let ran = Command::new(env!("CARGO_BIN_EXE_giambio-book")).arg(program.name()).output();
    program.compare(&ran.map_err(|error| error.to_string())?)
}

#[test]
fn an_ellipsis_stands_for_anything() {
    assert!(agrees("a … c\n…\nend", "a bb c\nx\ny\nend\n"));
    assert!(!agrees("a … c", "a bb d"));
    assert!(!agrees("one\ntwo", "one"));
    assert!(!agrees("one", "one\ntwo"));
}
