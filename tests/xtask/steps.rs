//! What is checked: one row a step.

use crate::machine::{
    BARE_METAL_CLIPPY, BARE_METAL_COMPILER, EMULATORS, FROM_SOURCES, LINUX, NIGHTLY, PYTHON, STRACE, Tool,
};
use crate::shell::{DEBUG, Shell, files};
use crate::systems::{AARCH64, I686, MUSL, S390X, WINDOWS};
use crate::{bench, empty_crates, faults, firmware, fuzz, packages, platforms, sanitizers, site};

/// One check.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The command that includes it.
    pub(crate) part: Part,
    pub(crate) work: Work,
    /// What holds when it passes.
    pub(crate) checks: &'static str,
    /// Where it builds into, below `target`; two steps of one folder don't run at the same time.
    pub(crate) folder: &'static str,
    /// About how long it takes a processor, in seconds.
    pub(crate) seconds: u32,
    /// Without one of these it is left out.
    pub(crate) needs: &'static [&'static Tool],
    /// Without one of these a part of it is left out.
    pub(crate) uses: &'static [&'static Tool],
}

/// What a step does.
pub(crate) enum Work {
    /// Runs these, one after the other.
    Lines(&'static [&'static str]),
    /// Runs this.
    Code(fn() -> Outcome),
}

/// The commands. None has a step of another; what the inner loop runs, `test` runs with everything else of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Quick,
    Test,
    Ci,
    Release,
}

/// How a step ended; an error says what failed.
pub(crate) type Outcome = Result<(), String>;

const fn lines(name: &'static str, part: Part, checks: &'static str, lines: &'static [&'static str]) -> Step {
    Step { name, part, work: Work::Lines(lines), checks, folder: DEBUG, seconds: 60, needs: &[], uses: &[] }
}

pub(crate) const fn code(name: &'static str, part: Part, checks: &'static str, run: fn() -> Outcome) -> Step {
    Step { work: Work::Code(run), ..lines(name, part, checks, &[]) }
}

impl Step {
    pub(crate) const fn in_folder(self, folder: &'static str) -> Step {
        Step { folder, ..self }
    }

    pub(crate) const fn takes(self, seconds: u32) -> Step {
        Step { seconds, ..self }
    }

    const fn needs(self, needs: &'static [&'static Tool]) -> Step {
        Step { needs, ..self }
    }

    const fn uses(self, uses: &'static [&'static Tool]) -> Step {
        Step { uses, ..self }
    }

    pub(crate) fn run(&self) -> Outcome {
        match self.work {
            Work::Lines(lines) => lines.iter().try_for_each(|line| Shell::new(line).run()),
            Work::Code(run) => run(),
        }
    }
}

/// Begun is where most is left to do (`lanes.rs`), so that no lane is left alone with it at the end; else in this order.
pub(crate) const STEPS: &[Step] = &[
    // cargo xtask test --quick: within a minute, where one has built before.
    lines(
        "quick",
        Part::Quick,
        "the suites of the core and of the adapter, and the rules",
        &[
            "cargo test --quiet -p giambio-core -p giambio --lib --test suite --test sync",
            "cargo test --quiet -p giambio-tests --bin xtask",
        ],
    )
    .takes(40),
    // cargo xtask test
    lines(
        "workspace",
        Part::Test,
        "unit and integration tests; the examples build", // a test builds them
        &["cargo test --workspace --exclude giambio-compile-fail --lib --bins --tests"],
    )
    .takes(150)
    .uses(&[&STRACE]),
    code("one-board", Part::Test, "the core's conformance cases pass on an emulated Cortex-M3", firmware::one_board)
        .takes(30)
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &EMULATORS]),
    lines(
        "compile-fail",
        Part::Test,
        "sound programs compile, unsound ones do not",
        &["cargo test -p giambio-compile-fail"],
    ),
    lines(
        "doc-tests",
        Part::Test,
        "the code in the documentation runs",
        &["cargo test --workspace --exclude giambio-compile-fail --doc"],
    ),
    // cargo xtask ci
    code("windows", Part::Ci, "tests and examples run on Windows, which is Wine here", || WINDOWS.check())
        .takes(300)
        .in_folder(FOREIGN)
        .needs(&[&WINDOWS.compiler, &WINDOWS.tools]),
    code("features", Part::Ci, "the core's tests pass with each smaller feature set", features)
        .takes(200)
        .in_folder("features"),
    code("bare-metal", Part::Ci, "the core builds where there is no operating system", firmware::core)
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER]),
    code("firmware", Part::Ci, "the core's conformance cases pass on an emulated board of each target", firmware::tests)
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &EMULATORS]),
    code("bare-metal-examples", Part::Ci, "firmware does on four boards what it says", firmware::examples)
        .takes(200)
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &EMULATORS]),
    code("format", Part::Ci, "rustfmt has nothing to change", || rustfmt("--check")).in_folder("format").takes(2),
    code("lints", Part::Ci, "clippy warns of nothing: all targets, each feature set, both reactors", lints)
        .takes(150)
        .in_folder("lints"),
    code("memory-sanitizer", Part::Ci, "the core reads only what was written, and keeps the contracts of core and std", sanitizers::memory)
        .takes(500)
        .in_folder("memory-sanitizer")
        .needs(&[&FROM_SOURCES, &sanitizers::RUNTIMES]),
    code("linux-musl", Part::Ci, "tests and examples run with another C library", || MUSL.check())
        .takes(350)
        .in_folder(FOREIGN)
        .needs(&[&MUSL.compiler, &MUSL.tools]),
    code("address-sanitizer", Part::Ci, "tests touch no freed memory and leak none", sanitizers::address)
        .takes(300)
        .in_folder("address-sanitizer")
        .needs(&[&NIGHTLY]),
    code("thread-sanitizer", Part::Ci, "threads never touch the same without order", sanitizers::thread)
        .takes(240)
        .in_folder("thread-sanitizer")
        .needs(&[&FROM_SOURCES, &sanitizers::RUNTIMES]),
    lines(
        "portable-reactor",
        Part::Ci,
        "the adapter's tests pass on the portable reactor, both ways",
        &[
            "RUSTFLAGS='--cfg giambio_portable' GIAMBIO_PORTABLE=edge cargo test -p giambio --lib --tests",
            "RUSTFLAGS='--cfg giambio_portable' GIAMBIO_PORTABLE=oneshot cargo test -p giambio --lib --tests",
        ],
    )
    .takes(50)
    .in_folder("portable"),
    // A million in less than half an hour:
    // `GIAMBIO_PROGRAMS=1000000 cargo test --release -p giambio-core --test random_programs`.
    lines(
        "programs",
        Part::Ci,
        "100,000 random programs do what the reference says",
        &[
            "GIAMBIO_PROGRAMS=100000 cargo test -p giambio-core --release --test random_programs --test random_wakes \
             --test random_arenas --test random_channels",
            "GIAMBIO_PROGRAMS=10000 cargo test -p giambio-core --release --test random_memory",
            "GIAMBIO_PROGRAMS=2000 cargo test -p giambio-core --release --test random_attacks",
        ],
    )
    .takes(110),
    lines(
        "children",
        Part::Ci,
        "10,000 programs that are cut off at random moments leave no process, no descriptor and no thread",
        &["cargo test -p giambio --release --test processes_leave_nothing"],
    )
    .takes(60),
    code("loom", Part::Ci, "wakes from other threads are right in every interleaving", loom)
        .takes(110)
        .in_folder("loom"),
    // No member of the workspace, since it brings a critical section of its own.
    lines(
        "interrupts",
        Part::Ci,
        "no wake is lost to an interrupt, wherever it comes",
        &[
            "RUSTFLAGS='--cfg giambio_interrupts' cargo test --manifest-path tests/interrupts/Cargo.toml",
            "RUSTFLAGS='--cfg giambio_interrupts' cargo test --manifest-path tests/interrupts/Cargo.toml --features=alloc",
            "RUSTFLAGS='--cfg giambio_interrupts' cargo test --manifest-path tests/interrupts/Cargo.toml --features=clock",
            "RUSTFLAGS='--cfg giambio_interrupts' cargo test --manifest-path tests/interrupts/Cargo.toml --features=one-context",
            "RUSTFLAGS='--cfg giambio_interrupts' cargo test --manifest-path tests/interrupts/Cargo.toml --features=alloc,one-context",
        ],
    )
    .in_folder("interrupts"),
    code(
        "feature-pairs",
        Part::Ci,
        "the libraries build with each feature, and with every two",
        packages::feature_pairs,
    )
    .takes(50),
    lines(
        "documentation",
        Part::Ci,
        "rustdoc warns of nothing",
        &["RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps"],
    )
    .takes(20),
    lines(
        "book",
        Part::Ci,
        "the programs of the book do what its pages say, and links lead somewhere",
        &["cargo test --locked --manifest-path tests/book/Cargo.toml"],
    )
    .takes(20)
    .in_folder("book"),
    lines(
        "packages",
        Part::Ci,
        "what is published builds by itself",
        &["cargo package --locked --allow-dirty -p giambio-core -p giambio -p giambio-embassy-time -p giambio-tokio"],
    )
    .takes(25)
    .in_folder("packages"),
    // A workspace of its own, for its dependencies.
    lines(
        "public-api",
        Part::Ci,
        "the lists of the public API are up to date, and a crate that depends on giambio alone has every name in them",
        &["cargo test --locked --manifest-path tests/public_api/Cargo.toml"],
    )
    .in_folder(PUBLIC_API),
    code("firmware-lints", Part::Ci, "clippy warns of nothing in what is built for the boards", firmware::lints)
        .in_folder(FIRMWARE)
        .needs(&[&BARE_METAL_COMPILER, &BARE_METAL_CLIPPY]),
    code("provenance", Part::Ci, "no pointer of the core comes from an integer", sanitizers::provenance)
        .in_folder("provenance")
        .takes(10)
        .needs(&[&NIGHTLY]),
    code("dependencies", Part::Ci, "what everything is made of may be used, and is there once", packages::dependencies)
        .in_folder("dependencies")
        .takes(10),
    code(
        "minimum-rust",
        Part::Ci,
        "the version of Rust that the manifests promise compiles everything",
        packages::minimum_rust,
    )
    .takes(5)
    .in_folder("minimum-rust")
    .needs(&[&packages::PROMISED_RUST]),
    // cargo xtask release
    code("other-systems", Part::Release, "macOS and the BSDs: everything type-checks", platforms::other_systems)
        .takes(300)
        .in_folder(FOREIGN)
        .needs(&[&platforms::OTHER_SYSTEMS]),
    code("core-elsewhere", Part::Release, "the core's tests pass on Windows and with another C library", || {
        WINDOWS.check_core()?;
        MUSL.check_core()
    })
    .takes(300)
    .in_folder(FOREIGN)
    .needs(&[&WINDOWS.compiler, &WINDOWS.tools, &MUSL.compiler, &MUSL.tools]),
    code("linux-32-bit", Part::Release, "tests and examples run with 32 bits", || I686.check_both())
        .takes(240)
        .in_folder(FOREIGN)
        .needs(&[&I686.compiler, &I686.tools]),
    code("linux-big-endian", Part::Release, "tests and examples run where the big end is first", || S390X.check_both())
        .takes(600)
        .in_folder(FOREIGN)
        .needs(&[&S390X.compiler, &S390X.tools]),
    code("linux-arm", Part::Release, "tests and examples run on a 64-bit ARM", || AARCH64.check_both())
        .takes(600)
        .in_folder(FOREIGN)
        .needs(&[&AARCH64.compiler, &AARCH64.tools]),
    code("bench-smoke", Part::Release, "the benchmarks of giambio run (not: how fast)", bench::smoke)
        .takes(240)
        .in_folder("bench-smoke")
        .needs(&[&LINUX]),
    lines(
        "forms",
        Part::Release,
        "the files that the service reads are of the form that it wants",
        &[
            "python3 -m venv target/xtask/python",
            "target/xtask/python/bin/pip install --quiet check-jsonschema",
            "target/xtask/python/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml",
            "target/xtask/python/bin/check-jsonschema --builtin-schema vendor.github-issue-forms \
             .github/ISSUE_TEMPLATE/fault.yml .github/ISSUE_TEMPLATE/wish.yml",
        ],
    )
    .needs(&[&PYTHON]),
    code("site", Part::Release, "the book and the documentation make one site, and its links lead somewhere", site::check)
        .takes(60)
        .in_folder(site::FOLDER)
        .needs(&[&PYTHON]),
    lines(
        "other-crates",
        Part::Release,
        "the programs of the book that use other crates do what its pages say",
        &["cargo test --locked --manifest-path tests/book/Cargo.toml --features=other-crates"],
    )
    .takes(200)
    .in_folder("book"),
    code(
        "empty-crates",
        Part::Release,
        "each whole program of the book runs in an empty crate, with the dependency that the README names",
        empty_crates::run,
    )
    .takes(200)
    .in_folder(empty_crates::FOLDER),
    code("fuzz", Part::Release, "bytes and numbers from outside break nothing", fuzz::run)
        .takes(180)
        .in_folder("fuzz")
        .needs(&[&NIGHTLY]),
    code("more-systems", Part::Release, "whatever else has sockets: everything type-checks", platforms::more_systems)
        .takes(480)
        .in_folder(FOREIGN)
        .needs(&[&platforms::MORE_SYSTEMS]),
    code(
        "feature-matrix",
        Part::Release,
        "the libraries build with every combination of features",
        packages::feature_matrix,
    )
    .takes(150),
    code("address-sanitizer-all", Part::Release, "the same with each smaller feature set", sanitizers::address_all)
        .takes(400)
        .in_folder("address-sanitizer")
        .needs(&[&NIGHTLY]),
    code("faults", Part::Release, "each fault that is planted makes a test fail", faults::plant_all)
        .takes(480)
        .in_folder("faults"),
];

/// Builds for other systems: those that share their flags share the standard library of each target.
pub(crate) const FOREIGN: &str = "foreign";

/// Builds for the boards.
pub(crate) const FIRMWARE: &str = "firmware";

/// Rustdoc's builds, and what reads them.
pub(crate) const PUBLIC_API: &str = "public-api";

/// What is built there is wanted again: by who works here, or by a step of another command.
pub(crate) const KEPT: [&str; 4] = [DEBUG, FIRMWARE, PUBLIC_API, site::FOLDER];

/// The feature sets of the core that its tests run with; everything at once is the step "workspace".
pub(crate) const TESTED_FEATURES: &[&str] =
    &["", "hooks,nb,heapless", "alloc", "alloc,many-timers,hooks,nb,heapless", "std", "std,introspect"];

/// The feature sets of the core that differ in more than the sum of their parts: each feature with and without the others,
/// without a heap, with `alloc` and with `std`, which has `alloc` in it. The steps "feature-pairs" and "feature-matrix" build
/// the others.
const ALL_FEATURES: &[&str] = &[
    "",
    "hooks",
    "many-timers",
    "clock",
    "one-context",
    "one-context,hooks,nb,heapless",
    "alloc,clock,one-context",
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

/// What adds traits of other libraries, which have a test program of their own.
const TRAITS: &str = "futures,embedded-io-async";

/// The feature sets for bare metal: without a heap, with all that needs none, with one.
pub(crate) const BARE_METAL_FEATURES: &[&str] = &["", "hooks,nb,heapless", "alloc,hooks,nb,heapless"];

/// Formats each workspace, and the programs that do not compile; or `--check`s that nothing is to be done.
pub(crate) fn rustfmt(option: &str) -> Outcome {
    for lock in packages::locks()? {
        let manifest = lock.replace("Cargo.lock", "Cargo.toml");
        Shell::new("cargo fmt --all --manifest-path").arg(manifest).args(option).run()?;
    }
    // They belong to no package.
    for folder in ["rejected", "rejected_when_built"] {
        let rustfmt = Shell::new("rustfmt --edition 2024").args(option);
        files(&format!("tests/compile_fail/{folder}"), ".rs")?.iter().fold(rustfmt, Shell::arg).run()?;
    }
    Ok(())
}

fn lints() -> Outcome {
    let strict = |line: &str| Shell::new(line).args("-- -D warnings").run();
    strict("cargo clippy --workspace --all-targets")?;
    for features in ALL_FEATURES {
        // The tests where they run.
        let what = if TESTED_FEATURES.contains(features) { "--all-targets" } else { "--lib" };
        strict(&format!("cargo clippy -p giambio-core {what} --no-default-features --features={features}"))?;
    }
    strict(&format!("cargo clippy -p giambio-core --lib --test other_libraries --features={TRAITS}"))?;
    strict("RUSTFLAGS='--cfg giambio_portable' cargo clippy -p giambio --all-targets")?;
    strict("cargo clippy --all-targets --manifest-path tests/interrupts/Cargo.toml")?;
    if std::env::consts::OS == "linux" {
        strict(&format!("cargo clippy --all-targets {} --manifest-path {}", bench::OURS, bench::MANIFEST))?;
    }
    Ok(())
}

fn features() -> Outcome {
    for features in TESTED_FEATURES {
        Shell::new("CARGO_PROFILE_DEV_DEBUG=0 cargo test -p giambio-core --lib --tests --no-default-features")
            .arg(format!("--features={features}"))
            .run()?;
    }
    let with_traits = format!("cargo test -p giambio-core --features={TRAITS}");
    Shell::new(&with_traits).args("--test other_libraries").run()?;
    Shell::new(&with_traits).args("--doc -- streams sinks").run()
}

fn loom() -> Outcome {
    let tests = "RUSTFLAGS='--cfg loom' cargo test -p giambio-core -p giambio --release --lib loom";
    Shell::new(tests).run()?;
    // Cargo is content when the filter matches nothing.
    let list = Shell::new(tests).args("-- --list").output().unwrap_or_default();
    if list.contains(": test") { Ok(()) } else { Err("no test has `loom` in its name".to_owned()) }
}
