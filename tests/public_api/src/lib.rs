//! The public API of each library, kept as a file, so that a change of it shows in review. The program of this package writes
//! the files; its tests compare them with the code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages, and where their lists are.
pub const LISTS: [(&str, &str); 2] = [("giambio-core", "core/api.txt"), ("giambio", "std-adapter/api.txt")];

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file's text, by its path from the root.
pub fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))
}

/// The public API of a package, one item a line, from what rustdoc says about it in JSON.
///
/// Left out is what follows from other lines: blanket implementations, and the traits that the compiler implements by itself.
pub fn list(package: &str, features: &[&str]) -> Result<String, String> {
    let mut rustdoc = cargo("rustdoc --quiet --lib -p");
    rustdoc.arg(package).args(features).args(["--", "-Zunstable-options", "--output-format", "json"]);
    // Its JSON is for the toolchain's own tools.
    run(rustdoc.env("RUSTC_BOOTSTRAP", "1"))?;
    let json = root().join(target_folder()).join(format!("doc/{}.json", package.replace('-', "_")));
    let api = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true).build();
    Ok(api.map_err(|error| error.to_string())?.items().map(|item| format!("{item}\n")).collect())
}

/// A `cargo` that runs at the root, and builds into a folder of its own.
pub fn cargo(words: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(words.split(' ')).current_dir(root()).env("CARGO_TARGET_DIR", target_folder());
    cargo
}

fn target_folder() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target/public-api".to_owned())
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{status}: {command:?}")) }
}
