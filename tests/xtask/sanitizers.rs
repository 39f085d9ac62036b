//! The tests under the compiler's sanitizers and checks: what they touch, in which order, and whether it was written before.

use crate::machine::{self, Source, Tool};
use crate::shell::{Shell, root};
use crate::steps::{Outcome, TESTED_FEATURES};

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

/// How many random programs each test makes, of which a sanitizer makes each a slow one.
const PROGRAMS: &str = "300";

/// Everything under AddressSanitizer and its search for leaks, then the core where it is most different: without threads, and
/// without a heap.
pub(crate) fn address() -> Outcome {
    under_address_sanitizer("-p giambio-core -p giambio", true)?;
    ["alloc,many-timers,hooks,nb,heapless", "hooks,nb,heapless"].into_iter().try_for_each(smaller)
}

/// The core with each smaller feature set.
pub(crate) fn address_all() -> Outcome {
    TESTED_FEATURES.iter().copied().try_for_each(smaller)
}

/// Without the search for leaks: in most of these headers of tasks are never freed, and nothing leads to them once a test has
/// forgotten their nursery.
fn smaller(features: &str) -> Outcome {
    under_address_sanitizer(&format!("-p giambio-core --no-default-features --features={features}"), false)
}

fn under_address_sanitizer(what: &str, finds_leaks: bool) -> Outcome {
    Shell::new(&format!("cargo +nightly test {what} --lib --tests --target {}", machine::host()?))
        .env("RUSTFLAGS", "-Zsanitizer=address --cfg giambio_no_spare")
        .env("GIAMBIO_PROGRAMS", PROGRAMS)
        // Frames are larger with red zones around every variable.
        .env("RUST_MIN_STACK", "16777216")
        // Some programs forget on purpose; the file names them.
        .env("LSAN_OPTIONS", &format!("suppressions={}", root().join("tests/leaks.txt").display()))
        .env("ASAN_OPTIONS", &format!("detect_leaks={}", u8::from(finds_leaks)))
        .run()
}

/// The tests in which threads, or signals, meet: modules of both suites, and whole programs; and where there is one state for
/// all threads.
const THREADS: [&str; 3] = [
    "-p giambio-core -p giambio --lib --test suite -- threads:: wakers:: thread_ends:: interrupt_sync:: foreign_executors:: \
     who_is_told:: wait_queue:: channels:: blocking_calls:: cores:: runs:: --skip foreign_wakers::",
    "-p giambio-core -p giambio --test interrupted --test random_programs --test signals --test ctrl_c",
    "-p giambio-core --no-default-features --features=alloc,hooks --test one_state",
];

/// Those under ThreadSanitizer, which must see all that threads do.
pub(crate) fn thread() -> Outcome {
    let flags = instrumented("thread", "tsan")?;
    let test = |tests| with_standard_library(&flags, tests)?.run();
    THREADS.into_iter().try_for_each(test)
}

/// The core under MemorySanitizer, which must see every write, with a standard library that checks what its unsafe functions
/// demand, the order of fields being any that the compiler may choose.
pub(crate) fn memory() -> Outcome {
    let flags = instrumented("memory", "msan")? + " -Zub-checks=yes -Zrandomize-layout";
    with_standard_library(&flags, "-p giambio-core --lib --tests")?.env("RUST_MIN_STACK", "16777216").run()
}

/// No checker of aliasing rules is to be had without rustup's `miri`. What they ask of pointers as such
/// is held at compile time: none is made of an integer, none becomes one other than by `addr`.
pub(crate) fn provenance() -> Outcome {
    for features in ["", "alloc,hooks,nb,heapless", "std,hooks,nb,heapless"] {
        Shell::new("cargo +nightly rustc -p giambio-core --lib --no-default-features")
            .arg(format!("--features={features}"))
            .args("-- -Zcrate-attr=feature(strict_provenance_lints)")
            .args("-Dfuzzy_provenance_casts -Dlossy_provenance_casts")
            .run()?;
    }
    Ok(())
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
fn with_standard_library(flags: &str, tests: &str) -> Result<Shell, String> {
    let cargo = format!("cargo test -Zbuild-std=std,panic_unwind,test --target {} {tests}", machine::host()?);
    Ok(machine::from_sources(Shell::new(&cargo)).env("RUSTFLAGS", flags).env("GIAMBIO_PROGRAMS", PROGRAMS))
}
