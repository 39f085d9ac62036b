//! What the machine has beside a stable toolchain, and how to get the rest.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::shell::Shell;

/// The bare-metal targets that the core is built for: with and without compare-and-swap, Arm and RISC-V.
pub(crate) const BARE_METAL: [&str; 3] = ["thumbv7m-none-eabi", "thumbv6m-none-eabi", "riscv32imac-unknown-none-elf"];

/// Debian's compiler, which comes with the sources of the standard library and so builds for any target.
pub(crate) const DEBIANS_COMPILER: &str = "/usr/bin/rustc";
pub(crate) const DEBIANS_PACKAGES: &str = "rustc-web rust-web-src";

/// The emulators of the boards that firmware runs on.
const EMULATORS: [&str; 2] = ["qemu-system-arm", "qemu-system-riscv32"];
const EMULATORS_PACKAGES: &str = "qemu-system-arm qemu-system-misc";

/// How to build for another target here.
#[derive(Clone, Copy)]
pub(crate) enum Compiler {
    /// The toolchain in use has the targets.
    Targets,
    /// Debian's compiler builds the standard library, or its parts, on the way.
    FromSources,
}

/// What this machine has for bare metal.
pub(crate) fn bare_metal() -> Option<Compiler> {
    compiler_for(&BARE_METAL)
}

/// What this machine has for these targets; the toolchain in use comes first.
pub(crate) fn compiler_for(targets: &[&str]) -> Option<Compiler> {
    let installed = Shell::new("rustup target list --installed").output().unwrap_or_default();
    if targets.iter().all(|target| installed.lines().any(|line| line == *target)) {
        return Some(Compiler::Targets);
    }
    has_debians_compiler().then_some(Compiler::FromSources)
}

/// Is there a compiler of Debian's that is new enough, with its sources?
pub(crate) fn has_debians_compiler() -> bool {
    let says = |what| Shell::new(DEBIANS_COMPILER).args(what).output();
    let (Some(version), Some(sysroot)) = (says("--version"), says("--print sysroot")) else { return false };
    let has_sources = Path::new(&sysroot).join("lib/rustlib/src/rust/library/core").exists();
    has_sources && minor(&version).is_some_and(|minor| minor >= oldest_minor())
}

/// The same command with the compiler that brings its sources.
pub(crate) fn from_sources(cargo: Shell) -> Shell {
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIANS_COMPILER)
}

/// The linker that comes with the toolchain in use: Debian's compiler has none for bare metal.
pub(crate) fn rust_lld() -> Result<String, String> {
    let linker = own_libraries()?.join("bin/rust-lld");
    if linker.exists() {
        return Ok(linker.display().to_string());
    }
    Err(format!("there is no linker for bare metal: {}", linker.display()))
}

/// Where the toolchain in use keeps what it has for this machine.
pub(crate) fn own_libraries() -> Result<PathBuf, String> {
    let sysroot = Shell::new("rustc --print sysroot").output().ok_or("rustc --print sysroot does not run")?;
    Ok(Path::new(&sysroot).join("lib/rustlib").join(host()?))
}

/// Installs Debian's packages, if this is a Debian of ours to change; says whether it is.
pub(crate) fn install(packages: &str) -> Result<bool, String> {
    /// Debian's tool can't be started twice.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let has_apt = Shell::new("apt-get --version").output().is_some();
    let is_root = Shell::new("id -u").output().is_some_and(|id| id == "0");
    if has_apt && is_root {
        Shell::new("apt-get update").run()?;
        Shell::new("apt-get install --yes --no-install-recommends")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(packages)
            .run()?;
    }
    Ok(has_apt && is_root)
}

/// Gets what the tests that count system calls want. They are for Linux alone.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_strace() -> Result<(), String> {
    let has = || Shell::new("strace --version").output().is_some();
    if has() || std::env::consts::OS != "linux" || (install("strace")? && has()) {
        return Ok(());
    }
    if is_ci() { Err("install strace: tests count system calls with it".to_owned()) } else { Ok(()) }
}

/// Gets what the benchmarks count instructions with.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_valgrind() -> Result<(), String> {
    let has = || Shell::new("valgrind --version").output().is_some();
    if has() || (install("valgrind")? && has()) {
        return Ok(());
    }
    Err("install valgrind: the benchmarks count instructions with it".to_owned())
}

/// Gets what `bare_metal` wants, if this is a Debian of ours to change.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_bare_metal() -> Result<(), String> {
    if bare_metal().is_some() || (install(DEBIANS_PACKAGES)? && bare_metal().is_some()) {
        return Ok(());
    }
    Err(format!(
        "no compiler here builds for {}.\n  \
         rustup:         rustup target add {}\n  \
         Debian, Ubuntu: sudo apt-get install --no-install-recommends {DEBIANS_PACKAGES} (Rust 1.{} or newer)\n\
         To go without: --skip machine --skip bare-metal",
        BARE_METAL.join(", "),
        BARE_METAL.join(" "),
        oldest_minor(),
    ))
}

/// Gets Clippy for the compiler that brings its sources.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_debians_clippy() -> Result<&'static str, String> {
    const CLIPPY: &str = "/usr/bin/clippy-driver";
    const PACKAGE: &str = "rust-web-clippy";
    let has = || Path::new(CLIPPY).exists();
    if has() || (install(PACKAGE)? && has()) {
        return Ok(CLIPPY);
    }
    Err(format!("there is no Clippy for {DEBIANS_COMPILER}. Debian 12: sudo apt-get install {PACKAGE}"))
}

/// Gets the emulators that firmware runs in.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_emulators() -> Result<(), String> {
    let has = || EMULATORS.iter().all(|name| Shell::new(name).arg("--version").output().is_some());
    if has() || (install(EMULATORS_PACKAGES)? && has()) {
        return Ok(());
    }
    Err(format!(
        "firmware runs in {}.\n  Debian, Ubuntu: sudo apt-get install --no-install-recommends {EMULATORS_PACKAGES}\n\
         To go without: --skip machine --skip bare-metal-examples --skip firmware",
        EMULATORS.join(" and "),
    ))
}

/// Gets what the benchmark on bare metal wants beside compiler and emulator.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_bench_tools() -> Result<(), String> {
    let has = || ["gcc", "nm", "python3"].iter().all(|name| Shell::new(name).arg("--version").output().is_some());
    if has() || (install("gcc libc6-dev binutils python3")? && has()) {
        return Ok(());
    }
    Err("the benchmark on bare metal wants gcc, binutils and python3".to_owned())
}

/// The same for other targets, whose standard library can be built from its sources.
///
/// # Errors
/// The text says what to install.
pub(crate) fn get_compiler_for(targets: &[&str]) -> Result<Compiler, String> {
    let found = || compiler_for(targets);
    if found().is_none() {
        install(DEBIANS_PACKAGES)?;
    }
    found().ok_or_else(|| {
        format!(
            "no compiler here builds for {}. Debian 12: sudo apt-get install --no-install-recommends {DEBIANS_PACKAGES}",
            targets.join(", ")
        )
    })
}

pub(crate) const NO_NIGHTLY: &str = "there is no nightly toolchain; `rustup toolchain install nightly` gets one";

/// A nightly toolchain to run sanitizers with.
pub(crate) fn has_nightly() -> bool {
    Shell::new("cargo +nightly --version").output().is_some()
}

/// The target that this machine runs.
pub(crate) fn host() -> Result<String, String> {
    let version = Shell::new("rustc -vV").output().ok_or("rustc -vV does not run")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// Where nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The `MINOR` of "rustc 1.MINOR.PATCH …".
fn minor(version: &str) -> Option<u32> {
    version.split(' ').nth(1)?.split('.').nth(1)?.parse().ok()
}

/// The minor version of the oldest compiler that builds giambio.
fn oldest_minor() -> u32 {
    let version = env!("CARGO_PKG_RUST_VERSION");
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).expect("rust-version is 1.MINOR")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_minor_version_is_read() {
        assert_eq!(super::minor("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some(96));
        assert_eq!(super::minor("rustc 1.97.0-nightly (4d1f98451 2026-05-15)"), Some(97));
        assert_eq!(super::minor("gcc 12"), None);
    }
}
