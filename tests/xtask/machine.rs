//! What steps want beside a stable toolchain: how it is known to be here, and how `cargo xtask machine` gets it. Nothing
//! else changes the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::shell::{Shell, root, say, target_folder};
use crate::steps::{Part, STEPS};

/// Something that a step wants.
pub(crate) struct Tool {
    /// As it is called where it is missed.
    pub(crate) name: &'static str,
    pub(crate) is_here: fn() -> bool,
    pub(crate) from: Source,
}

/// Where a tool comes from.
pub(crate) enum Source {
    /// Debian's packages.
    Packages(&'static str),
    /// Debian's packages, unpacked below `target`: to install them could take others away.
    Unpacked(&'static str),
    /// Not from here.
    Elsewhere(&'static str),
}

/// The bare-metal targets that the core is built for: with and without compare-and-swap, Arm and RISC-V.
pub(crate) const BARE_METAL: [&str; 3] = ["thumbv7m-none-eabi", "thumbv6m-none-eabi", "riscv32imac-unknown-none-elf"];

/// Debian's compiler, which comes with the sources of the standard library and so builds for any target.
pub(crate) const DEBIANS_COMPILER: &str = "/usr/bin/rustc";
pub(crate) const DEBIANS_PACKAGES: Source = Source::Packages("rustc-web rust-web-src");

pub(crate) const FROM_SOURCES: Tool = Tool {
    name: "Debian's compiler with the sources of the standard library",
    is_here: has_debians_compiler,
    from: DEBIANS_PACKAGES,
};

pub(crate) const BARE_METAL_COMPILER: Tool = Tool {
    name: "a compiler for bare metal (rustup's targets, or Debian's)",
    is_here: || bare_metal().is_some(),
    from: DEBIANS_PACKAGES,
};

/// Clippy must be that of the compiler.
pub(crate) const BARE_METAL_CLIPPY: Tool = Tool {
    name: "Clippy for Debian's compiler",
    is_here: || matches!(bare_metal(), Some(Compiler::Targets)) || Path::new(DEBIANS_CLIPPY).exists(),
    from: Source::Packages("rust-web-clippy"),
};
pub(crate) const DEBIANS_CLIPPY: &str = "/usr/bin/clippy-driver";

pub(crate) const EMULATORS: Tool = Tool {
    name: "QEMU for Arm and RISC-V",
    is_here: || QEMU.iter().all(|name| emulator(name).is_some()),
    from: Source::Unpacked("qemu-system-arm qemu-system-misc"),
};
const QEMU: [&str; 2] = ["qemu-system-arm", "qemu-system-riscv32"];

pub(crate) const STRACE: Tool = Tool {
    name: "strace, with which tests count system calls",
    is_here: || std::env::consts::OS != "linux" || runs("strace"),
    from: Source::Packages("strace"),
};

pub(crate) const VALGRIND: Tool = Tool {
    name: "valgrind, with which benchmarks count instructions",
    is_here: || runs("valgrind"),
    from: Source::Packages("valgrind"),
};

pub(crate) const BENCH_TOOLS: Tool = Tool {
    name: "gcc, nm and python3",
    is_here: || ["gcc", "nm", "python3"].into_iter().all(runs),
    from: Source::Packages("gcc libc6-dev binutils python3"),
};

pub(crate) const PYTHON: Tool = Tool {
    name: "python3 with environments of its own",
    is_here: || Shell::new("python3 -m ensurepip --version").output().is_some(),
    from: Source::Packages("python3 python3-venv"),
};

pub(crate) const NIGHTLY: Tool = Tool {
    name: "a nightly toolchain",
    is_here: || Shell::new("cargo +nightly --version").output().is_some(),
    from: Source::Elsewhere("rustup toolchain install nightly"),
};

pub(crate) const LINUX: Tool =
    Tool { name: "Linux", is_here: || std::env::consts::OS == "linux", from: Source::Elsewhere("another machine") };

pub(crate) fn runs(program: &str) -> bool {
    Shell::new(program).arg("--version").output().is_some()
}

/// Gets what the steps of a command, and those before it, want, and others, as far as Debian's packages have it.
///
/// # Errors
/// The text says what is missing still, and how to get it.
pub(crate) fn get_for(last: Part, others: &[&Tool]) -> Result<(), String> {
    let steps = STEPS.iter().filter(|step| step.part <= last);
    let wanted: Vec<&Tool> = steps.flat_map(|step| step.needs.iter().chain(step.uses)).copied().collect();
    let missing = || -> BTreeMap<&str, &Tool> {
        let missing = wanted.iter().chain(others).filter(|tool| !(tool.is_here)());
        missing.map(|tool| (tool.name, *tool)).collect()
    };
    let (mut install, mut unpack) = (BTreeSet::new(), BTreeSet::new());
    for tool in missing().values() {
        match tool.from {
            Source::Packages(packages) => install.extend(packages.split(' ')),
            Source::Unpacked(packages) => unpack.extend(packages.split(' ')),
            Source::Elsewhere(_) => {}
        }
    }
    let words = |packages: BTreeSet<&str>| packages.into_iter().collect::<Vec<_>>().join(" ");
    let (install, unpack) = (words(install), words(unpack));
    if !runs("apt-get") {
        return lacks(&missing().into_values().collect::<Vec<_>>());
    }
    if !install.is_empty() || !unpack.is_empty() {
        if Shell::new("id -u").output().is_none_or(|id| id != "0") {
            return Err(format!("packages are installed by root: sudo apt-get {INSTALL} {install} {unpack}"));
        }
        Shell::new("apt-get update --quiet --quiet").run()?;
    }
    if !install.is_empty() {
        install_packages(&install)?;
    }
    if !unpack.is_empty() {
        unpack_packages(&unpack)?;
    }
    lacks(&missing().into_values().collect::<Vec<_>>())
}

/// Nothing that is here goes for what comes.
const INSTALL: &str = "install --yes --no-remove --no-install-recommends";

fn apt_get(line: &str) -> Shell {
    Shell::new("apt-get --quiet --quiet").args(line).env("DEBIAN_FRONTEND", "noninteractive")
}

fn install_packages(packages: &str) -> Result<(), String> {
    let before = installed();
    apt_get(INSTALL).args(packages).run().map_err(|why| {
        let plan = Shell::new("apt-get install --simulate --no-install-recommends").args(packages).output();
        let plan = plan.unwrap_or_default();
        let removed: Vec<&str> = plan.lines().filter_map(|line| line.strip_prefix("Remv ")).collect();
        match removed.is_empty() {
            true => why,
            false => format!("nothing was installed, for it would take away: {}", removed.join(", ")),
        }
    })?;
    let after = installed();
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let (count, size) = new.fold((0, 0), |(count, size), (_, kib)| (count + 1, size + kib));
    say(&format!("{count} packages were installed, {} MB, and none was removed", size / 1000));
    Ok(())
}

/// The installed packages, and their sizes in KiB.
fn installed() -> BTreeMap<String, u64> {
    let list = Shell::new(
        "dpkg-query --show --showformat ${Package}:${Architecture}|${db:Status-Status}|${Installed-Size}\\n",
    );
    let list = list.output().unwrap_or_default();
    let lines = list.lines().filter_map(|line| line.split_once("|installed|"));
    lines.map(|(name, size)| (name.to_owned(), size.parse().unwrap_or(0))).collect()
}

/// Where emulators are that no package manager knows of.
fn unpacked() -> PathBuf {
    root().join(target_folder("tools"))
}

/// Of packages and what they depend on, this machine lacks some: those are unpacked, and what nobody needs thrown away.
fn unpack_packages(packages: &str) -> Result<(), String> {
    let folder = unpacked();
    let archives = folder.join("archives");
    let say_where = |error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(archives.join("partial")).map_err(say_where)?;
    // It says what it would remove, and does nothing but download.
    apt_get("install --yes --download-only --no-install-recommends --option")
        .arg(format!("Dir::Cache::archives={}", archives.display()))
        .args(packages)
        .run()?;
    for archive in std::fs::read_dir(&archives).map_err(say_where)? {
        let archive = archive.map_err(say_where)?.path();
        if archive.extension().is_some_and(|extension| extension == "deb") {
            Shell::new("dpkg-deb --extract").arg(&archive).arg(&folder).run()?;
        }
    }
    std::fs::remove_dir_all(&archives).map_err(say_where)?;
    for program in std::fs::read_dir(folder.join("usr/bin")).map_err(say_where)? {
        let program = program.map_err(say_where)?;
        if !QEMU.contains(&program.file_name().to_string_lossy().as_ref()) {
            std::fs::remove_file(program.path()).map_err(say_where)?;
        }
    }
    let size = Shell::new("du --summarize --block-size=1MB").arg(&folder).output().unwrap_or_default();
    let size = size.split_whitespace().next().unwrap_or("?");
    say(&format!("{packages} were unpacked into {}, {size} MB", folder.display()));
    Ok(())
}

/// Says what is to be done about what is missing.
///
/// # Errors
/// Something is.
pub(crate) fn lacks(missing: &[&Tool]) -> Result<(), String> {
    let mut advice = String::new();
    for Tool { name, from, .. } in missing {
        let from = match from {
            Source::Packages(packages) | Source::Unpacked(packages) => &format!("Debian's {packages}"),
            Source::Elsewhere(advice) => *advice,
        };
        advice.push_str(&format!("\n  {name}: {from}"));
    }
    if advice.is_empty() { Ok(()) } else { Err(format!("this machine lacks{advice}")) }
}

/// The same for a command that is no step: it wants all of them.
///
/// # Errors
/// The text says what to do.
pub(crate) fn wants(tools: &[&Tool]) -> Result<(), String> {
    let missing: Vec<&Tool> = tools.iter().copied().filter(|tool| !(tool.is_here)()).collect();
    lacks(&missing).map_err(|why| format!("{why}\n`cargo xtask machine --all` gets what Debian has"))
}

/// The path of an emulator: one that is installed, or else the unpacked one.
pub(crate) fn emulator(name: &str) -> Option<PathBuf> {
    let unpacked = unpacked().join("usr/bin").join(name);
    match runs(name) {
        true => Some(name.into()),
        false => unpacked.exists().then_some(unpacked),
    }
}

/// The environment in which unpacked emulators run: where programs, and where libraries are.
pub(crate) fn environment() -> [(&'static str, String); 2] {
    let folder = unpacked();
    let libraries = ["usr/lib", "lib"].map(|lib| format!("{}/{lib}/x86_64-linux-gnu", folder.display()));
    let path = std::env::var("PATH").unwrap_or_default();
    [("PATH", format!("{path}:{}/usr/bin", folder.display())), ("LD_LIBRARY_PATH", libraries.join(":"))]
}

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
fn has_debians_compiler() -> bool {
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
    use super::*;

    #[test]
    fn the_minor_version_is_read() {
        assert_eq!(minor("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some(96));
        assert_eq!(minor("rustc 1.97.0-nightly (4d1f98451 2026-05-15)"), Some(97));
        assert_eq!(minor("gcc 12"), None);
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do_about_it() {
        const NEVER: Tool = Tool { name: "a pony", is_here: || false, from: Source::Elsewhere("ask your parents") };
        assert_eq!(wants(&[&NEVER]).unwrap_err().lines().nth(1), Some("  a pony: ask your parents"));
        assert_eq!(wants(&[]), Ok(()));
    }
}
