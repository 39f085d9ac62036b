//! `cargo xtask bench-embedded`: leaves it to `bench/embedded/run.py`.

use crate::machine::{self, BARE_METAL_COMPILER, BENCH_TOOLS, EMULATORS};
use crate::shell::Shell;

/// # Errors
/// Something is missing, or a firmware does not do what it should.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    machine::wants(&[&BARE_METAL_COMPILER, &EMULATORS, &BENCH_TOOLS])?;
    let script = Shell::new("python3 bench/embedded/run.py").own_target("bench-embedded");
    let script = arguments.iter().fold(script, Shell::arg);
    machine::environment().iter().fold(script, |script, (name, value)| script.env(name, value)).run()
}
