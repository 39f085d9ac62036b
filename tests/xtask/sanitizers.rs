//! The tests under the compiler's sanitizers and checks: what they touch, in which order, and whether it was written before.

use crate::machine::{self, Source, Tool};
use crate::shell::{Shell, done_with, root};
use crate::steps::{Outcome, TESTED_FEATURES, Verdict};

/// What is linked to programs under a sanitizer.
pub(crate) const RUNTIMES: Tool = Tool {
    name: "the sanitizers' runtimes of a stable toolchain",
    is_here: || {
        let is_there = |sanitizer| machine::own_libraries().is_ok_and(|own| own.join(runtime(sanitizer)).exists());
        ["tsan", "msan"].into_iter().all(is_there)
    },
    from: Source::Elsewhere("they come with rustup's toolchains for Linux"),
};

/// Where a toolchain has one of them.
fn runtime(sanitizer: &str) -> String {
    format!("lib/librustc-stable_rt.{sanitizer}.a")
}

/// Everything under AddressSanitizer and its search for leaks, then the core with each smaller feature set, without it: in most of
/// these headers of tasks are never freed, and nothing leads to them once a test has forgotten their nursery.
pub(crate) fn address() -> Outcome {
    let host = machine::host()?;
    let everything = "-p giambio-core -p giambio".to_owned();
    let smaller = TESTED_FEATURES.iter().map(|set| format!("-p giambio-core --no-default-features --features={set}"));
    for what in std::iter::once(everything).chain(smaller) {
        Shell::new(&format!("cargo +nightly test {what} --lib --tests --target {host}"))
            .env("RUSTFLAGS", "-Zsanitizer=address --cfg giambio_no_spare")
            // Frames are larger with red zones around every variable.
            .env("RUST_MIN_STACK", "16777216")
            // Some programs forget on purpose; the file names them.
            .env("LSAN_OPTIONS", &format!("suppressions={}", root().join("tests/leaks.txt").display()))
            .env("ASAN_OPTIONS", &format!("detect_leaks={}", u8::from(!what.contains("--no-default-features"))))
            .own_target("address-sanitizer")
            .run()?;
    }
    done_with("address-sanitizer");
    Ok(Verdict::Passed)
}

/// The tests in which threads, or signals, meet: modules of the core's suite, and whole programs.
const THREADS: [&str; 2] = [
    "--lib --test suite -- threads:: wakers:: thread_ends:: interrupt_sync:: foreign_executors:: who_is_told:: \
     wait_queue:: channels::",
    "--test interrupted --test random_programs --test signals --test blocking_calls --test cores --test runs \
     --test ctrl_c",
];

/// Those under ThreadSanitizer, which must see all that threads do.
pub(crate) fn thread() -> Outcome {
    let flags = instrumented("thread", "tsan")?;
    for tests in THREADS {
        with_standard_library("thread-sanitizer", &flags, &format!("-p giambio-core -p giambio {tests}"))?.run()?;
    }
    done_with("thread-sanitizer");
    Ok(Verdict::Passed)
}

/// The core under MemorySanitizer, which must see every write.
pub(crate) fn memory() -> Outcome {
    let flags = instrumented("memory", "msan")?;
    with_standard_library("memory-sanitizer", &flags, "-p giambio-core --lib --tests")?
        .env("RUST_MIN_STACK", "16777216")
        .run()?;
    done_with("memory-sanitizer");
    Ok(Verdict::Passed)
}

/// The core with a standard library that checks what its unsafe functions demand, the order of fields being any that the
/// compiler may choose.
pub(crate) fn checked_library() -> Outcome {
    let flags = "-Zub-checks=yes -Zrandomize-layout --cfg giambio_no_spare";
    with_standard_library("checked-library", flags, "-p giambio-core --lib --tests")?.run()?;
    done_with("checked-library");
    Ok(Verdict::Passed)
}

/// The flags of a sanitizer, whose runtime comes with the toolchain in use.
fn instrumented(sanitizer: &str, name: &str) -> Result<String, String> {
    let libraries = machine::own_libraries()?;
    let flags = [
        format!("-Zsanitizer={sanitizer} -Zexternal-clangrt --cfg giambio_no_spare"),
        format!("-Clink-args=-Wl,--whole-archive,{},--no-whole-archive", libraries.join(runtime(name)).display()),
        "-Clink-args=-lm -Clink-args=-lpthread -Clink-args=-lc".to_owned(),
        // Other linkers do not find all that the runtime wants of the C library.
        format!("-Clink-args=-fuse-ld=lld -Clink-args=-B{}", libraries.join("bin/gcc-ld").display()),
    ];
    Ok(flags.join(" "))
}

/// Tests for which the standard library is built with the same flags, by the compiler that has its sources.
fn with_standard_library(folder: &str, flags: &str, tests: &str) -> Result<Shell, String> {
    let cargo = format!("cargo test -Zbuild-std=std,panic_unwind,test --target {} {tests}", machine::host()?);
    let cargo = machine::from_sources(Shell::new(&cargo)).env("RUSTFLAGS", flags);
    Ok(cargo.env("GIAMBIO_PROGRAMS", "300").own_target(folder))
}
