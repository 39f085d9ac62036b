//! The tests under the compiler's sanitizers: what they touch, and in which order.

use crate::machine::{self, Source, Tool};
use crate::shell::{Shell, done_with, root};
use crate::steps::{Outcome, Verdict};

/// What is linked to programs under a sanitizer.
pub(crate) const RUNTIMES: Tool = Tool {
    name: "the sanitizers' runtimes of a stable toolchain",
    is_here: || machine::own_libraries().is_ok_and(|libraries| libraries.join(runtime("tsan")).exists()),
    from: Source::Elsewhere("they come with rustup's toolchains for Linux"),
};

/// Where a toolchain has one of them.
fn runtime(sanitizer: &str) -> String {
    format!("lib/librustc-stable_rt.{sanitizer}.a")
}

/// Everything under AddressSanitizer and its search for leaks.
pub(crate) fn address() -> Outcome {
    let host = machine::host()?;
    Shell::new(&format!("cargo +nightly test -p giambio-core -p giambio --lib --tests --target {host}"))
        .env("RUSTFLAGS", "-Zsanitizer=address --cfg giambio_no_spare")
        // Frames are larger with red zones around every variable.
        .env("RUST_MIN_STACK", "16777216")
        // Some programs forget on purpose; the file names them.
        .env("LSAN_OPTIONS", &format!("suppressions={}", root().join("tests/leaks.txt").display()))
        .own_target("address-sanitizer")
        .run()?;
    done_with("address-sanitizer");
    Ok(Verdict::Passed)
}

/// The tests in which threads, or signals, meet: modules of the core's suite, and whole programs.
const THREADS: [&str; 2] = [
    "--test suite -- threads:: wakers:: thread_ends:: interrupt_sync:: foreign_executors::",
    "--test interrupted --test random_programs --test signals --test blocking_calls --test cores --test runs \
     --test ctrl_c",
];

/// Those under ThreadSanitizer, which must see all that threads do: so the standard library is built for it as well, by
/// the compiler that has its sources. Its runtime comes with the toolchain in use.
pub(crate) fn thread() -> Outcome {
    let (host, libraries) = (machine::host()?, machine::own_libraries()?);
    let runtime = libraries.join(runtime("tsan"));
    let flags = [
        "-Zsanitizer=thread -Zexternal-clangrt --cfg giambio_no_spare".to_owned(),
        format!("-Clink-args=-Wl,--whole-archive,{},--no-whole-archive", runtime.display()),
        "-Clink-args=-lm -Clink-args=-lpthread -Clink-args=-lc".to_owned(),
        // Other linkers do not find all that the runtime wants of the C library.
        format!("-Clink-args=-fuse-ld=lld -Clink-args=-B{}", libraries.join("bin/gcc-ld").display()),
    ];
    for tests in THREADS {
        machine::from_sources(Shell::new("cargo test -Zbuild-std=std,panic_unwind,test -p giambio-core -p giambio"))
            .args("--target")
            .arg(&host)
            .args(tests)
            .env("RUSTFLAGS", &flags.join(" "))
            .env("GIAMBIO_PROGRAMS", "300")
            .own_target("thread-sanitizer")
            .run()?;
    }
    done_with("thread-sanitizer");
    Ok(Verdict::Passed)
}
