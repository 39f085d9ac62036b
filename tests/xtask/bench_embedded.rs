//! `cargo xtask bench-embedded`: gets what the machine lacks, then leaves it to `bench/embedded/run.py`.

use crate::machine;
use crate::shell::Shell;

/// # Errors
/// Something is missing, or a firmware does not do what it should.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    machine::get_bare_metal()?;
    machine::get_emulators()?;
    machine::get_bench_tools()?;
    let script = Shell::new("python3 bench/embedded/run.py").own_target("bench-embedded");
    arguments.iter().fold(script, Shell::arg).run()
}
