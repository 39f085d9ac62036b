//! What comes from outside, guided by coverage.

use crate::machine;
use crate::shell::{Shell, root};
use crate::steps::Outcome;

/// Its own workspace, for libFuzzer wants a nightly toolchain.
const FUZZ: &str = "tests/fuzz/Cargo.toml";

/// What libFuzzer needs of the compiler: where a program has been, and what it compared.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Zsanitizer=address --cfg fuzzing";

const TARGETS: [&str; 5] = ["addresses", "arenas", "nb", "spans", "timers"];

/// By chance everywhere; guided by coverage, for some seconds each, where a nightly toolchain is.
pub(crate) fn run() -> Outcome {
    Shell::new("cargo test --manifest-path").arg(FUZZ).run()?;
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
            .run()?;
    }
    Ok(())
}
