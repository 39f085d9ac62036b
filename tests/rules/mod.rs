//! What must hold of the sources, and no compiler holds: plain tests, each file with what it is about.
//!
//! `cargo test -p giambio-tests --bin xtask rules` runs them: they are built with the tests of the runner, whose eyes they use.

mod cancellation;
mod dependencies;
mod errors;
mod examples;
mod floors;
mod items;
mod lines;
mod page;
mod pointers;
mod systems;
mod workflow;

use crate::shell::{files, read};

/// The Rust files below a folder, in order: their paths from the root, and their texts.
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    let with_text = |path: String| {
        let text = read(&path).unwrap();
        (path, text)
    };
    files(folder, ".rs").unwrap().into_iter().map(with_text).collect()
}

#[test]
fn every_scenario_is_a_test_program() {
    let manifest = read("tests/Cargo.toml").unwrap();
    for file in files("tests/scenarios", ".rs").unwrap() {
        let path = file.strip_prefix("tests/").unwrap();
        let is_of_a_program = path.matches('/').count() > 1;
        assert!(
            is_of_a_program || manifest.contains(&format!("path = \"{path}\"")),
            "tests/Cargo.toml lacks a [[test]] for {path}"
        );
    }
}
