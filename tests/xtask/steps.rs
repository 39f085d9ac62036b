//! What is checked: one row a step, run from the top.

use crate::api;
use crate::bench;
use crate::firmware;
use crate::laws;
use crate::machine::{self, is_ci};
use crate::platforms;
use crate::rules;
use crate::sanitizers;
use crate::shell::{Shell, done_with, root};

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The smallest command that includes it.
    pub(crate) part: Part,
    pub(crate) run: fn() -> Outcome,
    /// What holds when it passes.
    pub(crate) checks: &'static str,
    /// Runs at the same time as those that are not.
    pub(crate) is_beside: bool,
}

/// The commands, each with all steps of those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Quick,
    Test,
    Ci,
    Release,
}

/// How a step ended; an error says what failed.
pub(crate) type Outcome = Result<Verdict, String>;

/// How a step that did not fail ended.
pub(crate) enum Verdict {
    Passed,
    /// This machine cannot do it; the text says why, and what to do about it.
    Skipped(String),
}

/// What it means that this machine lacks something: nothing may be left out in CI, and elsewhere all else goes on.
pub(crate) fn cannot(why: String) -> Outcome {
    if is_ci() { Err(why) } else { Ok(Verdict::Skipped(why)) }
}

const fn step(name: &'static str, part: Part, run: fn() -> Outcome, checks: &'static str) -> Step {
    Step { name, part, run, checks, is_beside: false }
}

/// What is built into a folder of its own need not wait for the rest: about half of all the work.
const fn beside(name: &'static str, part: Part, run: fn() -> Outcome, checks: &'static str) -> Step {
    Step { is_beside: true, ..step(name, part, run, checks) }
}

pub(crate) const STEPS: &[Step] = &[
    step("machine", Part::Test, machine, "the machine has what the steps need, or gets it"),
    step("format", Part::Ci, format, "rustfmt has nothing to change"),
    step("lints", Part::Ci, lints, "clippy warns of nothing: all targets, each feature set, both reactors"),
    step("dependencies", Part::Ci, rules::dependencies, "what everything is made of may be used, and is there once"),
    step(
        "minimum-rust",
        Part::Ci,
        rules::minimum_rust,
        "the version of Rust that the manifests promise compiles everything",
    ),
    step("feature-matrix", Part::Ci, rules::feature_matrix, "the libraries build with every combination of features"),
    step("public-api", Part::Ci, api::check, "the lists of the public API are up to date"),
    step("documentation", Part::Ci, documentation, "rustdoc warns of nothing"),
    step("workspace", Part::Quick, workspace, "unit and integration tests; the examples build"),
    step("doc-tests", Part::Test, doc_tests, "the code in the documentation runs"),
    step("features", Part::Test, features, "the core's tests pass with each smaller feature set"),
    step("bursts", Part::Test, bursts, "the core's tests pass when the loop makes bursts instead of single turns"),
    step("compile-fail", Part::Test, compile_fail, "sound programs compile, unsound ones do not"),
    step(
        "portable-reactor",
        Part::Test,
        portable_reactor,
        "the adapter's tests pass on the portable reactor, both ways",
    ),
    beside(
        "windows",
        Part::Test,
        || platforms::run("windows"),
        "tests and examples run on Windows, which is Wine here",
    ),
    beside("linux-musl", Part::Ci, || platforms::run("linux-musl"), "tests and examples run with another C library"),
    beside("linux-32-bit", Part::Ci, || platforms::run("linux-32-bit"), "tests and examples run with 32 bits"),
    beside(
        "linux-big-endian",
        Part::Ci,
        || platforms::run("linux-big-endian"),
        "tests and examples run where the big end is first",
    ),
    beside("other-systems", Part::Ci, platforms::other_systems, "macOS and the BSDs: everything type-checks"),
    beside("more-systems", Part::Release, platforms::more_systems, "so it does on whatever else has sockets"),
    step("bare-metal", Part::Test, bare_metal, "the core builds where there is no operating system"),
    step("firmware-lints", Part::Ci, firmware_lints, "clippy warns of nothing in what is built for the boards"),
    step("firmware", Part::Test, firmware_tests, "the core's conformance cases pass on emulated boards"),
    step("bare-metal-examples", Part::Test, bare_metal_examples, "firmware does on four boards what it says"),
    beside("loom", Part::Test, loom, "wakes from other threads are right in every interleaving"),
    step("interrupts", Part::Test, interrupts, "no wake is lost to an interrupt, wherever it comes"),
    step("bench-smoke", Part::Test, bench::smoke, "the benchmarks of giambio run (not: how fast)"),
    step("programs", Part::Test, laws::programs, "100,000 random programs do what the reference says"),
    step("fuzz", Part::Test, laws::fuzz, "bytes and numbers from outside break nothing"),
    step("provenance", Part::Test, laws::provenance, "no pointer of the core comes from an integer"),
    step("faults", Part::Release, laws::faults, "each fault that is planted in the core makes a test fail"),
    step("address-sanitizer", Part::Test, sanitizers::address, "tests touch no freed memory and leak none"),
    step("thread-sanitizer", Part::Test, sanitizers::thread, "threads never touch the same without order"),
];

/// The feature sets of the core that its tests run with; everything at once is the step "workspace".
pub(crate) const TESTED_FEATURES: &[&str] = &["", "hooks,nb,heapless", "alloc", "alloc,hooks,nb,heapless", "std"];

/// The feature sets of the core that differ in more than the sum of their parts: each feature with and without the others,
/// without a heap, with `alloc` and with `std`, which has `alloc` in it. The step "feature-matrix" builds every other one.
pub(crate) const ALL_FEATURES: &[&str] = &[
    "",
    "hooks",
    "nb,heapless",
    "hooks,nb,heapless",
    "hooks,heapless,embedded-hal-async,defmt",
    "alloc",
    "alloc,hooks,nb,heapless",
    "std",
    "std,hooks",
];

/// The feature sets for bare metal: without a heap, with all that needs none, with one.
pub(crate) const BARE_METAL_FEATURES: &[&str] = &["", "hooks,nb,heapless", "alloc,hooks,nb,heapless"];

fn machine() -> Outcome {
    machine::get_bare_metal()?;
    machine::get_emulators()?;
    machine::get_strace()?;
    Ok(Verdict::Passed)
}

fn format() -> Outcome {
    Shell::new("cargo fmt --all --check").run()?;
    for manifest in [INTERRUPTS, api::LISTER] {
        Shell::new("cargo fmt --check --manifest-path").arg(manifest).run()?;
    }
    Shell::new("cargo fmt --all --check --manifest-path").arg(bench::MANIFEST).run()?;
    for manifest in firmware::MANIFESTS {
        Shell::new("cargo fmt --check --manifest-path").arg(manifest).args("--all").run()?;
    }
    Shell::new("cargo fmt --check --manifest-path tests/fuzz/Cargo.toml").run()?;
    // Programs that do not compile belong to no package.
    for folder in ["rejected", "rejected_when_built"] {
        let mut rustfmt = Shell::new("rustfmt --check --edition 2024");
        for file in rust_files(&format!("tests/compile_fail/{folder}"))? {
            rustfmt = rustfmt.arg(file);
        }
        rustfmt.run()?;
    }
    Ok(Verdict::Passed)
}

fn lints() -> Outcome {
    Shell::new("cargo clippy --workspace --all-targets -- -D warnings").run()?;
    for features in ALL_FEATURES {
        // The tests where they run.
        let what = if TESTED_FEATURES.contains(features) { "--all-targets" } else { "--lib" };
        Shell::new(&format!("cargo clippy -p giambio-core {what} --no-default-features"))
            .arg(format!("--features={features}"))
            .args("-- -D warnings")
            .run()?;
    }
    portable("cargo clippy -p giambio --all-targets -- -D warnings").run()?;
    Shell::new("cargo clippy --all-targets --manifest-path")
        .arg(INTERRUPTS)
        .args("-- -D warnings")
        .own_target("interrupts")
        .run()?;
    if std::env::consts::OS == "linux" {
        Shell::new("cargo clippy --all-targets")
            .args(bench::OURS)
            .arg("--manifest-path")
            .arg(bench::MANIFEST)
            .args("-- -D warnings")
            .run()?;
    }
    Ok(Verdict::Passed)
}

fn documentation() -> Outcome {
    Shell::new("cargo doc --workspace --no-deps").env("RUSTDOCFLAGS", "-Dwarnings").run()?;
    Ok(Verdict::Passed)
}

fn workspace() -> Outcome {
    Shell::new("cargo test --workspace --exclude giambio-compile-fail --all-targets").run()?;
    Ok(Verdict::Passed)
}

fn doc_tests() -> Outcome {
    Shell::new("cargo test --workspace --doc").run()?;
    Ok(Verdict::Passed)
}

fn features() -> Outcome {
    for features in TESTED_FEATURES {
        Shell::new("cargo test -p giambio-core --lib --tests --no-default-features")
            .arg(format!("--features={features}"))
            .run()?;
    }
    Ok(Verdict::Passed)
}

fn bursts() -> Outcome {
    Shell::new("cargo test -p giambio-core --lib --tests").env("GIAMBIO_BURSTS", "1").run()?;
    Ok(Verdict::Passed)
}

fn compile_fail() -> Outcome {
    Shell::new("cargo test -p giambio-compile-fail").run()?;
    Ok(Verdict::Passed)
}

fn portable_reactor() -> Outcome {
    for ways in ["edge", "oneshot"] {
        portable("cargo test -p giambio --lib --tests").env("GIAMBIO_PORTABLE", ways).run()?;
    }
    done_with("portable");
    Ok(Verdict::Passed)
}

/// With the reactor that other systems use, on this one.
fn portable(line: &str) -> Shell {
    Shell::new(line).env("RUSTFLAGS", "--cfg giambio_portable").own_target("portable")
}

fn bare_metal() -> Outcome {
    for features in BARE_METAL_FEATURES {
        firmware::core(features)?;
    }
    Ok(Verdict::Passed)
}

fn firmware_lints() -> Outcome {
    firmware::lints()?;
    Ok(Verdict::Passed)
}

fn firmware_tests() -> Outcome {
    firmware::tests()?;
    Ok(Verdict::Passed)
}

fn bare_metal_examples() -> Outcome {
    firmware::examples()?;
    done_with("firmware");
    done_with("defmt");
    Ok(Verdict::Passed)
}

fn loom() -> Outcome {
    let tests = || {
        Shell::new("cargo test -p giambio-core -p giambio --release --lib loom")
            .env("RUSTFLAGS", "--cfg loom")
            .own_target("loom")
    };
    tests().run()?;
    // Cargo is content when the filter matches nothing.
    let list = tests().args("-- --list").output().unwrap_or_default();
    done_with("loom");
    if list.contains(": test") { Ok(Verdict::Passed) } else { Err("no test has `loom` in its name".to_owned()) }
}

/// No member of the workspace, since it brings a critical section of its own.
pub(crate) const INTERRUPTS: &str = "tests/interrupts/Cargo.toml";

fn interrupts() -> Outcome {
    for features in ["", "alloc"] {
        Shell::new("cargo test --manifest-path")
            .arg(INTERRUPTS)
            .arg(format!("--features={features}"))
            .own_target("interrupts")
            .run()?;
    }
    done_with("interrupts");
    Ok(Verdict::Passed)
}

/// The Rust files of a folder, by name, relative to the root.
fn rust_files(folder: &str) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(root().join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rs") {
            files.push(format!("{folder}/{name}"));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo finds test programs by itself in one folder only, which is not ours.
    #[test]
    fn every_scenario_is_a_test_program() {
        let manifest = std::fs::read_to_string(root().join("tests/Cargo.toml")).unwrap();
        for file in rust_files("tests/scenarios").unwrap() {
            let path = file.strip_prefix("tests/").unwrap();
            assert!(manifest.contains(&format!("path = \"{path}\"")), "tests/Cargo.toml lacks a [[test]] for {path}");
        }
    }
}
