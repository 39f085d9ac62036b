//! The whole programs of the book, each pasted into an empty crate with the dependency that the README names: as a reader
//! begins.

use std::fs;
use std::path::Path;

use crate::book::{self, Program};
use crate::shell::{Shell, read, root, say, target_folder};
use crate::steps::Outcome;

/// They share what they are made of.
pub(crate) const FOLDER: &str = "empty-crates";

pub(crate) fn run() -> Outcome {
    let crates = root().join(target_folder(FOLDER)).join("crates");
    let mut programs = book::in_page("README.md", &root().join("README.md"));
    programs.extend(book::programs(false));
    programs.retain(Program::is_whole);
    let mut complaints = Vec::new();
    for program in &programs {
        if let Err(why) = make(program, &crates).and_then(|manifest| try_out(program, &manifest)) {
            complaints.push(format!("{}, line {}: {why}", program.page, program.line));
        }
    }
    say(&format!("{} programs", programs.len()));
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n\n")) }
}

/// The crate: what `cargo new` makes, a dependency, and the program. Returns its manifest.
fn make(program: &Program, crates: &Path) -> Result<String, String> {
    let (name, code) = (program.name(), program.code());
    let source = crates.join(&name).join("src");
    let dependencies: String = ["giambio", "giambio-core"]
        .into_iter()
        .filter(|library| code.contains(&format!("{}::", library.replace('-', "_"))))
        .map(|library| dependency(library).map(|line| line + "\n"))
        .collect::<Result<_, _>>()?;
    // It is a workspace, for `target` is within another one.
    let manifest =
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n[workspace]\n");
    let path = crates.join(&name).join("Cargo.toml");
    let written = fs::create_dir_all(&source)
        .and_then(|()| fs::write(source.join("main.rs"), code))
        .and_then(|()| fs::write(&path, manifest));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path.display().to_string())
}

/// The line of the README for who has a checkout beside.
fn dependency(library: &str) -> Result<String, String> {
    let start = format!("# {library} = {{ path = \"../giambio/");
    let readme = read("README.md")?;
    let line = readme.lines().find_map(|line| line.strip_prefix(&start)).ok_or("the README names no path")?;
    Ok(format!("{library} = {{ path = \"{}/{line}", root().display()))
}

fn try_out(program: &Program, manifest: &str) -> Outcome {
    let command = if program.runs { "run" } else { "build" };
    let cargo = Shell::new(&format!("cargo {command} --quiet --manifest-path")).arg(manifest);
    let ended = cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("RUSTFLAGS", "-Dwarnings").ended("")?;
    program.compare(&ended)
}
