//! The examples, built as this test was or for another system, and processes.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A process that ends with the test, whatever becomes of it.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that starts an example, built if it isn't there.
///
/// The same tests look at programs of other systems: `GIAMBIO_EXAMPLES` is the folder where those are, and
/// `GIAMBIO_RUNNER` the emulator that starts them, if they need one.
pub(crate) fn example(name: &str) -> Command {
    let mut words = words(name).into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// What a command that starts an example consists of.
pub(crate) fn words(name: &str) -> Vec<String> {
    let runner = env::var("GIAMBIO_RUNNER").ok();
    let program = match env::var_os("GIAMBIO_EXAMPLES") {
        Some(folder) => foreign(Path::new(&folder), name),
        None => native(name).to_owned(),
    };
    runner.into_iter().chain([program.to_str().unwrap().to_owned()]).collect()
}

/// Are the examples programs for Windows, and this is not Windows?
pub(crate) fn runs_in_wine() -> bool {
    env::var("GIAMBIO_RUNNER").is_ok_and(|runner| runner.contains("wine"))
}

/// Are they programs for another processor?
pub(crate) fn runs_in_qemu() -> bool {
    env::var("GIAMBIO_RUNNER").is_ok_and(|runner| runner.contains("qemu"))
}

/// So many for a program that runs by itself, a tenth for one in an emulator.
pub(crate) fn scaled(count: usize) -> usize {
    if env::var_os("GIAMBIO_RUNNER").is_some() { count / 10 } else { count }
}

fn foreign(folder: &Path, name: &str) -> PathBuf {
    let found =
        ["", ".exe"].map(|ending| folder.join(format!("{name}{ending}"))).into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("there is no example {name} in {}", folder.display()))
}

fn native(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(build);
    programs.get(name).unwrap_or_else(|| panic!("there is no example {name}: {programs:?}"))
}

/// The text of an example.
pub(crate) fn source(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let (alone, of_several) = (examples.join(format!("{name}.rs")), examples.join(name).join("main.rs"));
    let path = if alone.exists() { alone } else { of_several };
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Asks cargo, which knows where it puts things.
fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The packages that were tested: so what they depend on has the same features, and is not built again.
    cargo.args(["build", "--workspace", "--exclude", "giambio-compile-fail", "--examples"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "the examples don't build");
    let messages = String::from_utf8(built.stdout).unwrap();
    let programs = messages.lines().filter_map(|line| {
        let (_, rest) = line.split_once(r#""executable":""#)?;
        let path = PathBuf::from(rest.split_once('"')?.0);
        Some((path.file_stem()?.to_str()?.to_owned(), path))
    });
    programs.collect()
}
