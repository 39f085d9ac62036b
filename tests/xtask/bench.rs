//! The benchmarks: a workspace of their own, so that the peers stay out of ours.

use crate::machine::{self, VALGRIND};
use crate::shell::{Shell, done_with};
use crate::steps::{Outcome, Verdict};

pub(crate) const MANIFEST: &str = "bench/Cargo.toml";

/// The packages of the workspace that need none of the peers.
pub(crate) const OURS: &str = "-p bench-driver -p bench-common -p alloc-count -p load -p giambio-micro -p giambio-echo";

/// `cargo xtask bench …`: the words go to the program that runs them.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    machine::wants(&[&VALGRIND])?;
    words.iter().fold(driver(), Shell::arg).run()
}

/// The step that keeps them from rotting.
pub(crate) fn smoke() -> Outcome {
    Shell::new("cargo test --quiet -p bench-driver --manifest-path").arg(MANIFEST).own_target("bench-smoke").run()?;
    // They need not be fast for that.
    let hasty = [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "1")];
    let smoke = driver().arg("smoke").own_target("bench-smoke");
    hasty
        .iter()
        .fold(smoke, |shell, (name, value)| shell.env(&format!("CARGO_PROFILE_RELEASE_{name}"), value))
        .run()?;
    done_with("bench-smoke");
    Ok(Verdict::Passed)
}

fn driver() -> Shell {
    Shell::new("cargo run --release --quiet --package bench-driver --manifest-path").arg(MANIFEST).arg("--")
}
