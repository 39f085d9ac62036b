//! The benchmarks: a workspace of their own, so that the peers stay out of ours.

use crate::machine::{self, BARE_METAL_COMPILER, BENCH_TOOLS, EMULATORS, VALGRIND};
use crate::shell::Shell;
use crate::steps::Outcome;

pub(crate) const MANIFEST: &str = "bench/Cargo.toml";

/// The packages of the workspace that need none of the peers.
pub(crate) const OURS: &str = "-p bench-driver -p bench-common -p alloc-count -p load -p giambio-micro -p giambio-echo";

/// `cargo xtask bench …`: the words go to the program that runs them.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    machine::wants(&[&VALGRIND])?;
    words.iter().fold(driver(), Shell::arg).run()
}

/// `cargo xtask bench-embedded …`: leaves it to `bench/embedded/run.py`.
///
/// # Errors
/// Something is missing, or a firmware does not do what it should.
pub(crate) fn embedded(words: &[String]) -> Result<(), String> {
    machine::wants(&[&BARE_METAL_COMPILER, &EMULATORS, &BENCH_TOOLS])?;
    let script = Shell::new("python3 bench/embedded/run.py").in_folder("bench-embedded");
    words.iter().fold(script.envs(machine::environment()), Shell::arg).run()
}

/// The step that keeps them from rotting.
pub(crate) fn smoke() -> Outcome {
    Shell::new("cargo test --quiet -p bench-driver --manifest-path").arg(MANIFEST).run()?;
    // They need not be fast for that.
    let hasty = [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "1")];
    let hasty = hasty.map(|(name, value)| (format!("CARGO_PROFILE_RELEASE_{name}"), value));
    driver().arg("smoke").envs(hasty).run()
}

fn driver() -> Shell {
    Shell::new("cargo run --release --quiet --package bench-driver --manifest-path").arg(MANIFEST).arg("--")
}
