//! Bare metal: builds the examples and the core's conformance cases for the boards; `tests/firmware` runs and looks at them.

use crate::machine::{self, Compiler};
use crate::shell::{self, Shell, root};
use crate::steps::{BARE_METAL_FEATURES, FIRMWARE, Outcome};

/// A board with a folder in `examples/bare-metal/boards`; `tests/firmware/boards` knows how it is emulated.
pub(crate) struct Board {
    name: &'static str,
    target: &'static str,
}

pub(crate) const BOARDS: [Board; 4] = [
    Board { name: "mps2-an385", target: "thumbv7m-none-eabi" },
    Board { name: "lm3s6965evb", target: "thumbv7m-none-eabi" },
    Board { name: "microbit", target: "thumbv6m-none-eabi" },
    Board { name: "riscv-virt", target: "riscv32imac-unknown-none-elf" },
];

const TESTS: &str = "tests/firmware/Cargo.toml";

const BENCH: &str = "bench/embedded/giambio/Cargo.toml";

const EXAMPLES: &str = "examples/bare-metal/Cargo.toml";

/// The package of `TESTS` that is firmware.
const CONFORMANCE: &str = "-p giambio-firmware-tests";

/// A build for a bare-metal target, with the linker that comes with the toolchain.
fn build(manifest: &str, target: &str, what: &str) -> Result<Shell, String> {
    cargo("build", manifest, target, what)
}

fn cargo(command: &str, manifest: &str, target: &str, what: &str) -> Result<Shell, String> {
    let with = machine::bare_metal().ok_or("no compiler for it")?;
    let mut cargo = Shell::new(&format!("cargo {command} --release --locked --manifest-path"))
        .arg(manifest)
        .args(&format!("--target {target} {what}"))
        .env("RUSTFLAGS", "-Dwarnings");
    if let Compiler::FromSources = with {
        let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
        cargo = machine::from_sources(cargo.args("-Zbuild-std=core,alloc")).env(&linker, &machine::rust_lld()?);
    }
    Ok(cargo.envs(PROFILE))
}

/// That of the examples, for all: so the standard library's core is built once for each target.
const PROFILE: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
];

/// Builds the core with each feature set, for each target.
pub(crate) fn core() -> Outcome {
    for features in BARE_METAL_FEATURES {
        for target in machine::BARE_METAL {
            let what = format!("-p giambio-core --no-default-features --features={features}");
            build("Cargo.toml", target, &what)?.run()?;
        }
    }
    Ok(())
}

/// Clippy looks at all firmware of ours.
pub(crate) fn lints() -> Outcome {
    for board in &BOARDS {
        lint(EXAMPLES, board.target, &format!("-p {}", board.name))?;
    }
    for target in machine::BARE_METAL {
        lint(TESTS, target, CONFORMANCE)?;
    }
    lint(BENCH, BOARDS[0].target, "")?;
    // And what looks at it.
    Shell::new("cargo clippy --locked -p giambio-board-tests --all-targets --manifest-path")
        .arg(TESTS)
        .args("-- -D warnings")
        .run()
}

/// Clippy must be that of the compiler.
fn lint(manifest: &str, target: &str, what: &str) -> Outcome {
    match machine::bare_metal() {
        Some(Compiler::FromSources) => {
            cargo("check", manifest, target, what)?.env("RUSTC_WORKSPACE_WRAPPER", machine::DEBIANS_CLIPPY).run()
        }
        _ => cargo("clippy", manifest, target, what)?.run(),
    }
}

/// The core's conformance cases, on one board.
pub(crate) fn one_board() -> Outcome {
    build(TESTS, machine::BARE_METAL[0], CONFORMANCE)?.run()?;
    look("--lib --test conformance -- --nocapture cortex_m3")
}

/// The same on a board of each target.
pub(crate) fn tests() -> Outcome {
    for target in machine::BARE_METAL {
        build(TESTS, target, CONFORMANCE)?.run()?;
    }
    look("--test conformance -- --nocapture each_target")
}

/// The programs of `examples/bare-metal`, each on each board.
pub(crate) fn examples() -> Outcome {
    for board in &BOARDS {
        // Boards of one target build into one folder, so each runs before the next is built.
        build(EXAMPLES, board.target, &format!("-p {}", board.name))?.run()?;
        look(&format!("--test programs -- {}::", board.name.replace('-', "_")))?;
        if board.name == LOGS {
            build(EXAMPLES, board.target, &format!("-p {} --features defmt --bin log", board.name))?
                .env("DEFMT_LOG", "trace")
                .run()?;
            look("--test log")?;
        }
    }
    Ok(())
}

/// The board whose program `log` is built.
const LOGS: &str = "mps2-an385";

/// Runs tests of what was built.
fn look(what: &str) -> Outcome {
    let images = root().join(shell::target_folder(FIRMWARE));
    let tests = Shell::new("cargo test --locked -p giambio-board-tests --manifest-path").arg(TESTS).args(what);
    let tests = tests.env("GIAMBIO_FIRMWARE", &images.display().to_string());
    tests.envs(machine::environment()).run()
}

#[cfg(test)]
mod tests {
    use super::BOARDS;
    use crate::shell::root;

    #[test]
    fn each_board_has_a_folder_and_tests() {
        let programs = std::fs::read_to_string(root().join("tests/firmware/boards/tests/programs.rs")).unwrap();
        for entry in std::fs::read_dir(root().join("examples/bare-metal/boards")).unwrap().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() {
                assert!(BOARDS.iter().any(|board| board.name == name), "{name} is not built");
                assert!(programs.contains(&format!("mod {} {{", name.replace('-', "_"))), "{name} has no tests");
            }
        }
    }
}
