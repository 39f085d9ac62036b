//! What is checked: one row a step.

use crate::api;
use crate::bench;
use crate::firmware;
use crate::laws;
use crate::linux::{I686, MUSL, S390X};
use crate::machine::{BARE_METAL_CLIPPY, BARE_METAL_COMPILER, EMULATORS, FROM_SOURCES, LINUX, NIGHTLY, STRACE, Tool};
use crate::outside;
use crate::platforms;
use crate::rules;
use crate::sanitizers;
use crate::shell::{Shell, done_with, root};
use crate::windows::WINDOWS;

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The command that includes it.
    pub(crate) part: Part,
    pub(crate) run: fn() -> Outcome,
    /// What holds when it passes.
    pub(crate) checks: &'static str,
    /// Where it builds into, below `target`; two steps of one folder don't run at the same time.
    pub(crate) folder: &'static str,
    /// About how long it takes, with another one beside it.
    pub(crate) minutes: u32,
    /// Without one of these it is left out.
    pub(crate) needs: &'static [&'static Tool],
    /// Without one of these a part of it is left out.
    pub(crate) uses: &'static [&'static Tool],
}

/// The commands. None has a step of another, but `test`, whose first ones are the inner loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// It can't be done here; the text says why, and what to do about it.
    Skipped(String),
}

pub(crate) const fn step(name: &'static str, part: Part, run: fn() -> Outcome, checks: &'static str) -> Step {
    Step { name, part, run, checks, folder: "debug", minutes: 1, needs: &[], uses: &[] }
}

impl Step {
    pub(crate) const fn in_folder(self, folder: &'static str) -> Step {
        Step { folder, ..self }
    }

    pub(crate) const fn takes(self, minutes: u32) -> Step {
        Step { minutes, ..self }
    }

    const fn needs(self, needs: &'static [&'static Tool]) -> Step {
        Step { needs, ..self }
    }

    const fn uses(self, uses: &'static [&'static Tool]) -> Step {
        Step { uses, ..self }
    }
}

/// Begun is where most is left to do (`lanes.rs`), so that no lane is left alone with it at the end; else in this order.
pub(crate) const STEPS: &[Step] = &[
    // cargo xtask test
    step("workspace", Part::Quick, workspace, "unit and integration tests; the examples build")
        .takes(3)
        .uses(&[&STRACE]),
    step("windows", Part::Test, || platforms::run("windows"), "tests and examples run on Windows, which is Wine here")
        .takes(5)
        .in_folder(FOREIGN)
        .needs(&[&WINDOWS.compiler, &WINDOWS.tools]),
    step("features", Part::Test, features, "the core's tests pass with each smaller feature set")
        .takes(5)
        .in_folder("features"),
    step("bare-metal", Part::Test, bare_metal, "the core builds where there is no operating system")
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER]),
    step("firmware", Part::Test, firmware_tests, "the core's conformance cases pass on emulated boards")
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &EMULATORS]),
    step("bare-metal-examples", Part::Test, bare_metal_examples, "firmware does on four boards what it says")
        .takes(4)
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &EMULATORS]),
    step("compile-fail", Part::Test, compile_fail, "sound programs compile, unsound ones do not"),
    step("doc-tests", Part::Test, doc_tests, "the code in the documentation runs"),
    // cargo xtask ci
    step("format", Part::Ci, format, "rustfmt has nothing to change").in_folder("format"),
    step("lints", Part::Ci, lints, "clippy warns of nothing: all targets, each feature set, both reactors")
        .takes(4)
        .in_folder("lints"),
    step("memory-sanitizer", Part::Ci, sanitizers::memory, "the core reads nothing that was never written")
        .takes(4)
        .in_folder("memory-sanitizer")
        .needs(&[&FROM_SOURCES, &sanitizers::RUNTIMES]),
    step("linux-musl", Part::Ci, || platforms::run("linux-musl"), "tests and examples run with another C library")
        .takes(4)
        .in_folder(FOREIGN)
        .needs(&[&MUSL.compiler, &MUSL.tools]),
    step("address-sanitizer", Part::Ci, sanitizers::address, "tests touch no freed memory and leak none")
        .takes(6)
        .in_folder("address-sanitizer")
        .needs(&[&NIGHTLY]),
    step("thread-sanitizer", Part::Ci, sanitizers::thread, "threads never touch the same without order")
        .takes(4)
        .in_folder("thread-sanitizer")
        .needs(&[&FROM_SOURCES, &sanitizers::RUNTIMES]),
    step("checked-library", Part::Ci, sanitizers::checked_library, "the core keeps the contracts of core and std")
        .takes(4)
        .in_folder("checked-library")
        .needs(&[&FROM_SOURCES]),
    step("portable-reactor", Part::Ci, portable_reactor, "the adapter's tests pass on the portable reactor, both ways")
        .takes(2)
        .in_folder("portable"),
    step("programs", Part::Ci, laws::programs, "100,000 random programs do what the reference says").takes(4),
    step("loom", Part::Ci, loom, "wakes from other threads are right in every interleaving").in_folder("loom"),
    step("interrupts", Part::Ci, interrupts, "no wake is lost to an interrupt, wherever it comes")
        .in_folder("interrupts"),
    step("feature-matrix", Part::Ci, rules::feature_matrix, "the libraries build with every combination of features")
        .takes(3),
    step("documentation", Part::Ci, documentation, "rustdoc warns of nothing"),
    step("public-api", Part::Ci, api::check, "the lists of the public API are up to date").in_folder(api::FOLDER),
    step("outside", Part::Ci, outside::check, "a crate that depends on giambio alone has every name of its docs")
        .in_folder("outside"),
    step("firmware-lints", Part::Ci, firmware_lints, "clippy warns of nothing in what is built for the boards")
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &BARE_METAL_CLIPPY]),
    step("provenance", Part::Ci, laws::provenance, "no pointer of the core comes from an integer")
        .in_folder("provenance")
        .needs(&[&NIGHTLY]),
    step("dependencies", Part::Ci, rules::dependencies, "what everything is made of may be used, and is there once")
        .in_folder("dependencies"),
    step(
        "minimum-rust",
        Part::Ci,
        rules::minimum_rust,
        "the version of Rust that the manifests promise compiles everything",
    )
    .in_folder("minimum-rust")
    .needs(&[&rules::PROMISED_RUST]),
    // cargo xtask release
    step("other-systems", Part::Release, platforms::other_systems, "macOS and the BSDs: everything type-checks")
        .takes(5)
        .in_folder(FOREIGN)
        .needs(&[&platforms::OTHER_SYSTEMS]),
    step("linux-32-bit", Part::Release, || platforms::run("linux-32-bit"), "tests and examples run with 32 bits")
        .takes(4)
        .in_folder(FOREIGN)
        .needs(&[&I686.compiler, &I686.tools]),
    step(
        "linux-big-endian",
        Part::Release,
        || platforms::run("linux-big-endian"),
        "tests and examples run where the big end is first",
    )
    .takes(10)
    .in_folder(FOREIGN)
    .needs(&[&S390X.compiler, &S390X.tools]),
    step("bench-smoke", Part::Release, bench::smoke, "the benchmarks of giambio run (not: how fast)")
        .takes(4)
        .in_folder("bench-smoke")
        .needs(&[&LINUX]),
    step("fuzz", Part::Release, laws::fuzz, "bytes and numbers from outside break nothing")
        .takes(3)
        .in_folder("fuzz")
        .needs(&[&NIGHTLY]),
    step("more-systems", Part::Release, platforms::more_systems, "whatever else has sockets: everything type-checks")
        .takes(8)
        .in_folder(FOREIGN)
        .needs(&[&platforms::MORE_SYSTEMS]),
    step("faults", Part::Release, laws::faults, "each fault that is planted makes a test fail")
        .takes(8)
        .in_folder("faults"),
];

/// Builds for other systems: those that share their flags share the standard library of each target.
pub(crate) const FOREIGN: &str = "foreign";

/// Builds for the boards.
pub(crate) const FIRMWARE: &str = "firmware";

/// The feature sets of the core that its tests run with; everything at once is the step "workspace".
pub(crate) const TESTED_FEATURES: &[&str] =
    &["", "hooks,nb,heapless", "alloc", "alloc,many-timers,hooks,nb,heapless", "std", "std,introspect"];

/// The feature sets of the core that differ in more than the sum of their parts: each feature with and without the others,
/// without a heap, with `alloc` and with `std`, which has `alloc` in it. The step "feature-matrix" builds every other one.
pub(crate) const ALL_FEATURES: &[&str] = &[
    "",
    "hooks",
    "many-timers",
    "clock",
    "nb,heapless",
    "hooks,nb,heapless",
    "hooks,heapless,embedded-hal-async,defmt",
    "alloc",
    "alloc,many-timers,hooks,nb,heapless",
    "std",
    "std,introspect",
    "introspect",
    "std,hooks",
];

/// The feature sets for bare metal: without a heap, with all that needs none, with one.
pub(crate) const BARE_METAL_FEATURES: &[&str] = &["", "hooks,nb,heapless", "alloc,hooks,nb,heapless"];

fn format() -> Outcome {
    rustfmt("--check")?;
    Ok(Verdict::Passed)
}

/// Formats each workspace, and the programs that do not compile.
pub(crate) fn write_format() -> Result<(), String> {
    rustfmt("")
}

fn rustfmt(option: &str) -> Result<(), String> {
    for lock in rules::locks()? {
        let manifest = lock.replace("Cargo.lock", "Cargo.toml");
        Shell::new("cargo fmt --all --manifest-path").arg(manifest).args(option).run()?;
    }
    // They belong to no package.
    for folder in ["rejected", "rejected_when_built"] {
        let rustfmt = Shell::new("rustfmt --edition 2024").args(option);
        rust_files(&format!("tests/compile_fail/{folder}"))?.iter().fold(rustfmt, Shell::arg).run()?;
    }
    Ok(())
}

fn lints() -> Outcome {
    let clippy = |line: &str| Shell::new("cargo clippy").args(line).own_target("lints");
    let strict = |clippy: Shell| clippy.args("-- -D warnings").run();
    strict(clippy("--workspace --all-targets"))?;
    for features in ALL_FEATURES {
        // The tests where they run.
        let what = if TESTED_FEATURES.contains(features) { "--all-targets" } else { "--lib" };
        let core = clippy(&format!("-p giambio-core {what} --no-default-features"));
        strict(core.arg(format!("--features={features}")))?;
    }
    strict(portable(clippy("-p giambio --all-targets")))?;
    strict(clippy("--all-targets --manifest-path").arg(INTERRUPTS))?;
    if std::env::consts::OS == "linux" {
        strict(clippy("--all-targets").args(bench::OURS).arg("--manifest-path").arg(bench::MANIFEST))?;
    }
    done_with("lints");
    Ok(Verdict::Passed)
}

fn documentation() -> Outcome {
    Shell::new("cargo doc --workspace --no-deps").env("RUSTDOCFLAGS", "-Dwarnings").run()?;
    Ok(Verdict::Passed)
}

/// All packages at once, for that decides about the features of what they depend on: every step that wants some of these
/// tests asks for all packages, so that they are built once.
pub(crate) const WORKSPACE: &str = "cargo test --workspace --exclude giambio-compile-fail";

fn workspace() -> Outcome {
    // A test builds the examples.
    Shell::new(WORKSPACE).args("--lib --bins --tests").run()?;
    Ok(Verdict::Passed)
}

fn doc_tests() -> Outcome {
    Shell::new(WORKSPACE).arg("--doc").run()?;
    Ok(Verdict::Passed)
}

fn features() -> Outcome {
    for features in TESTED_FEATURES {
        Shell::new("cargo test -p giambio-core --lib --tests --no-default-features")
            .arg(format!("--features={features}"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0") // a fifth of the time to build
            .own_target("features")
            .run()?;
    }
    done_with("features");
    Ok(Verdict::Passed)
}

fn compile_fail() -> Outcome {
    Shell::new("cargo test -p giambio-compile-fail").run()?;
    Ok(Verdict::Passed)
}

fn portable_reactor() -> Outcome {
    for ways in ["edge", "oneshot"] {
        let tests = Shell::new("cargo test -p giambio --lib --tests").own_target("portable");
        portable(tests).env("GIAMBIO_PORTABLE", ways).run()?;
    }
    done_with("portable");
    Ok(Verdict::Passed)
}

/// With the reactor that other systems use, on this one.
fn portable(cargo: Shell) -> Shell {
    cargo.env("RUSTFLAGS", "--cfg giambio_portable")
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
    for features in ["", "alloc", "clock"] {
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

    #[test]
    fn every_scenario_is_a_test_program() {
        let manifest = std::fs::read_to_string(root().join("tests/Cargo.toml")).unwrap();
        for file in rust_files("tests/scenarios").unwrap() {
            let path = file.strip_prefix("tests/").unwrap();
            assert!(manifest.contains(&format!("path = \"{path}\"")), "tests/Cargo.toml lacks a [[test]] for {path}");
        }
    }
}
