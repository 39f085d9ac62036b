//! The checks that take the laws by chance, by force or at length: each a step, and the soak a command.

use crate::faults;
use crate::machine;
use crate::shell::{Shell, done_with, root};
use crate::steps::{Outcome, Verdict};

/// Random programs against their reference; a million in less than half an hour:
/// `GIAMBIO_PROGRAMS=1000000 cargo test --release -p giambio-core --test random_programs`.
pub(crate) fn programs() -> Outcome {
    Shell::new("cargo test -p giambio-core --release --test random_programs --test random_wakes --test random_arenas")
        .args("--test random_channels")
        .env("GIAMBIO_PROGRAMS", "100000")
        .run()?;
    Shell::new("cargo test -p giambio-core --release --test random_memory").env("GIAMBIO_PROGRAMS", "10000").run()?;
    Ok(Verdict::Passed)
}

pub(crate) fn faults() -> Outcome {
    faults::plant_all()?;
    done_with("faults");
    Ok(Verdict::Passed)
}

/// No checker of aliasing rules is to be had without rustup's `miri`. What they ask of pointers as such
/// is held at compile time: none is made of an integer, none becomes one other than by `addr`.
pub(crate) fn provenance() -> Outcome {
    for features in ["", "alloc,hooks,nb,heapless", "std,hooks,nb,heapless"] {
        Shell::new("cargo +nightly rustc -p giambio-core --lib --no-default-features")
            .arg(format!("--features={features}"))
            .args("-- -Zcrate-attr=feature(strict_provenance_lints)")
            .args("-Dfuzzy_provenance_casts -Dlossy_provenance_casts")
            .own_target("provenance")
            .run()?;
    }
    done_with("provenance");
    Ok(Verdict::Passed)
}

/// Its own workspace, for libFuzzer wants a nightly toolchain.
const FUZZ: &str = "tests/fuzz/Cargo.toml";

/// What libFuzzer needs of the compiler: where a program has been, and what it compared.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Zsanitizer=address --cfg fuzzing";

const TARGETS: [&str; 5] = ["addresses", "arenas", "nb", "spans", "timers"];

/// By chance everywhere; guided by coverage, for some seconds each, where a nightly toolchain is.
pub(crate) fn fuzz() -> Outcome {
    Shell::new("cargo test --manifest-path").arg(FUZZ).own_target("fuzz").run()?;
    let host = machine::host()?;
    for target in TARGETS {
        let corpus = root().join("target/fuzz/corpus").join(target);
        std::fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
        Shell::new("cargo +nightly run --release --features libfuzzer --manifest-path")
            .arg(FUZZ)
            .arg("--target")
            .arg(&host)
            .args("-- -max_total_time=3 -timeout=20 -rss_limit_mb=2000 -max_len=400")
            .arg(format!("-artifact_prefix={}/", root().join("target/fuzz").display()))
            .arg(corpus.display().to_string())
            .env("GIAMBIO_FUZZ", target)
            .env("RUSTFLAGS", COVERAGE)
            .own_target("fuzz")
            .run()?;
    }
    done_with("fuzz");
    Ok(Verdict::Passed)
}

/// Connections that come and go at random, for so long; memory, descriptors and timers have to stay as they are.
///
/// # Errors
/// They do not.
pub(crate) fn soak(minutes: u64) -> Result<(), String> {
    Shell::new("cargo test -p giambio-tests --release --test soak -- --nocapture")
        .env("GIAMBIO_SOAK_SECONDS", &(minutes * 60).to_string())
        .run()
}
