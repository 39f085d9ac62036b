//! Where giambio runs, and what is done to know it: one table for the steps and for `docs/platforms.md`.

use crate::firmware;
use crate::foreign::{check_for, compiler};
use crate::machine::{self, BARE_METAL, Compiler, Tool};
use crate::steps::{BARE_METAL_FEATURES, Outcome, Part, STEPS};
use crate::systems::{AARCH64, I686, MUSL, S390X, WINDOWS};

/// A system, and what is done there.
pub(crate) struct Platform {
    system: &'static str,
    /// As rustc calls them.
    targets: &'static [&'static str],
    waits_with: &'static str,
    care: Care,
    /// The step that takes it.
    step: &'static str,
}

/// What is done for a platform.
enum Care {
    /// The system that most steps run on.
    Home,
    /// Libraries, their tests and the examples are built for it; where they run.
    Runs(&'static str),
    /// Everything is type-checked: all targets of all packages.
    Checked,
    /// The core is built.
    Core,
}

const fn platform(
    system: &'static str,
    targets: &'static [&'static str],
    waits_with: &'static str,
    care: Care,
    step: &'static str,
) -> Platform {
    Platform { system, targets, waits_with, care, step }
}

pub(crate) const PLATFORMS: &[Platform] = &[
    platform("Linux, glibc", &["x86_64-unknown-linux-gnu"], "epoll", Care::Home, "workspace"),
    platform("Windows", &[WINDOWS.target], "IOCP", Care::Runs("in Wine"), "windows"),
    platform("Linux, musl", &[MUSL.target], "epoll", Care::Runs("natively"), "linux-musl"),
    platform("Linux, 32 bits", &[I686.target], "epoll", Care::Runs("natively"), "linux-32-bit"),
    platform("Linux, big-endian", &[S390X.target], "epoll", Care::Runs("by QEMU"), "linux-big-endian"),
    platform("Linux on 64-bit ARM", &[AARCH64.target], "epoll", Care::Runs("by QEMU"), "linux-arm"),
    platform("FreeBSD", &["x86_64-unknown-freebsd"], "kqueue", Care::Checked, "other-systems"),
    platform("macOS", &["aarch64-apple-darwin"], "kqueue", Care::Checked, "other-systems"),
    platform(
        "NetBSD, OpenBSD",
        &["x86_64-unknown-netbsd", "x86_64-unknown-openbsd"],
        "kqueue",
        Care::Checked,
        "other-systems",
    ),
    platform(
        "macOS on Intel, iOS, DragonFly",
        &["x86_64-apple-darwin", "aarch64-apple-ios", "x86_64-unknown-dragonfly"],
        "kqueue",
        Care::Checked,
        "more-systems",
    ),
    platform(
        "illumos, Solaris",
        &["x86_64-unknown-illumos", "x86_64-pc-solaris"],
        "event ports",
        Care::Checked,
        "more-systems",
    ),
    platform("Android", &["aarch64-linux-android"], "epoll", Care::Checked, "more-systems"),
    platform("bare metal", &BARE_METAL, "what you bring", Care::Core, "bare-metal"),
];

pub(crate) const OTHER_SYSTEMS: Tool =
    compiler("a compiler for macOS and the BSDs", || machine::compiler_for(&targets_of("other-systems")).is_some());

pub(crate) const MORE_SYSTEMS: Tool =
    compiler("a compiler for more systems", || machine::compiler_for(&targets_of("more-systems")).is_some());

/// Type-checks what can't be run; and that a system that nobody knows is told so.
pub(crate) fn other_systems() -> Outcome {
    let compiler = check_everything("other-systems")?;
    let errors = check_for(compiler, "-p giambio", &[UNKNOWN]).fails_with()?;
    for file in ["std-adapter/src/sys/errno/unix.rs", "std-adapter/src/reactor/epoll.rs"] {
        if !errors.contains(&format!("add a file beside {file}")) {
            return Err(format!("for {UNKNOWN} nobody is told to add a file beside {file}:\n{errors}"));
        }
    }
    Ok(())
}

/// Type-checks the others that `polling` knows. For each of them the standard library is compiled first.
pub(crate) fn more_systems() -> Outcome {
    check_everything("more-systems").map(drop)
}

/// Type-checks all that there is for the platforms of a step. With all features at once: that each other set builds is known
/// from this system, for only platform files ask which it is (`tests/rules/systems.rs` holds that), and those know no features.
fn check_everything(step: &str) -> Result<Compiler, String> {
    let targets = targets_of(step);
    let compiler = machine::compiler_for(&targets).ok_or("there is no compiler for it")?;
    check_for(compiler, "--workspace --all-targets", &targets).run()?;
    Ok(compiler)
}

fn targets_of(step: &str) -> Vec<&'static str> {
    let platforms = PLATFORMS.iter().filter(|platform| platform.step == step);
    platforms.flat_map(|platform| platform.targets).copied().collect()
}

/// The targets of the adapter.
pub(crate) fn targets() -> Vec<&'static str> {
    let with_adapter = PLATFORMS.iter().filter(|platform| !matches!(platform.care, Care::Core));
    with_adapter.flat_map(|platform| platform.targets).copied().collect()
}

/// A system that giambio doesn't know, with a standard library.
const UNKNOWN: &str = "wasm32-wasip1";

impl Platform {
    fn row(&self) -> String {
        let Platform { system, waits_with, .. } = self;
        let targets: Vec<String> = self.targets.iter().map(|target| format!("`{target}`")).collect();
        let (built, run) = match &self.care {
            Care::Home => ("everything".to_owned(), "everything".to_owned()),
            Care::Runs(place) => (
                "both libraries, with tests; the examples".to_owned(),
                match self.part() {
                    Part::Release => {
                        format!("{place}: the tests of both libraries; the examples, by the tests of Linux")
                    }
                    _ => format!(
                        "{place}: the adapter's tests, before a release the core's; the examples, by the tests of Linux"
                    ),
                },
            ),
            Care::Checked => ("everything is type-checked".to_owned(), "-".to_owned()),
            Care::Core => (
                format!("the core, {} feature sets", BARE_METAL_FEATURES.len()),
                format!(
                    "by QEMU: the core's conformance cases for each target; the examples, on {} boards",
                    firmware::BOARDS.len()
                ),
            ),
        };
        let often = match self.part() {
            Part::Quick | Part::Test => "`cargo xtask test`; every change",
            Part::Ci => "every change",
            Part::Release => "`cargo xtask release`",
        };
        format!("| {system} | {} | {waits_with} | {built} | {run} | {often} |", targets.join(", "))
    }

    fn part(&self) -> Part {
        let step = STEPS.iter().find(|step| step.name == self.step);
        step.expect("a platform's step is one of the steps").part
    }
}

/// The table of `docs/platforms.md`.
pub(crate) fn table() -> String {
    let mut table = "| system | targets | waits with | built | run | how often |\n".to_owned();
    table.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for platform in PLATFORMS {
        table.push_str(&platform.row());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_taken_by_a_step() {
        for platform in PLATFORMS {
            platform.part();
        }
    }
}
