//! The public API of each library, kept as a file, so that a change of it shows in review; and that a crate of somebody else,
//! with `giambio` as its only dependency, has every public name of it.

use std::collections::BTreeSet;
use std::fs;

use crate::machine::is_ci;
use crate::packages;
use crate::shell::{Shell, read, root, say, target_folder};
use crate::steps::Outcome;

/// Packages, and where their lists are.
const LISTS: &[(&str, &str)] = &[("giambio-core", "core/api.txt"), ("giambio", "std-adapter/api.txt")];

/// No member of the workspace, since it has dependencies that nothing else needs.
pub(crate) const LISTER: &str = "tests/public_api/Cargo.toml";

pub(crate) const FOLDER: &str = "public-api";

pub(crate) fn check() -> Outcome {
    for (package, file) in LISTS {
        let now = match list(package, "") {
            Ok(now) => now,
            // Rustdoc's JSON changes with the compiler; who has another one than CI need not care.
            Err(why) if why.contains("format") && !is_ci() => {
                say(&format!("left out: {why}"));
                return Ok(());
            }
            Err(why) => return Err(why),
        };
        let kept = read(file)?;
        if kept != now {
            return Err(format!(
                "{file} differs from the API. `cargo xtask public-api --write`\n{}",
                changes(&kept, &now)
            ));
        }
    }
    Ok(())
}

pub(crate) fn write() -> Result<(), String> {
    for (package, file) in LISTS {
        fs::write(root().join(file), list(package, "")?).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

fn list(package: &str, features: &str) -> Result<String, String> {
    // Its JSON is for the toolchain's own tools.
    Shell::new(&format!("cargo rustdoc --quiet -p {package} --lib {features}"))
        .args("-- -Zunstable-options --output-format json")
        .env("RUSTC_BOOTSTRAP", "1")
        .in_folder(FOLDER)
        .run()?;
    let json = root().join(target_folder(FOLDER)).join(format!("doc/{}.json", package.replace('-', "_")));
    let lister =
        Shell::new(&format!("cargo run --quiet --locked --manifest-path {LISTER} --")).arg(json).in_folder(FOLDER);
    lister.said().map(|list| list + "\n")
}

/// Lines that only one of them has.
fn changes(kept: &str, now: &str) -> String {
    let only_in = |one: &str, other: &str, sign| {
        let other: Vec<&str> = other.lines().collect();
        let lines = one.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only_in(kept, now, '-') + &only_in(now, kept, '+')
}

/// A crate outside of this workspace builds that imports every public name.
pub(crate) fn outside() -> Outcome {
    build(&LISTS.iter().map(|(_, file)| read(file)).collect::<Result<String, _>>()?, &[])?;
    // And what the features add.
    let features = packages::features("std-adapter/Cargo.toml")?;
    build(&LISTS.iter().map(|(package, _)| list(package, "--all-features")).collect::<Result<String, _>>()?, &features)
}

/// Builds a crate that imports each name of an API.
fn build(api: &str, features: &[String]) -> Result<(), String> {
    let names = names(api);
    // Of each library one.
    for name in ["giambio::channel::Channel", "giambio::net::TcpStream"] {
        if !names.contains(name) {
            return Err(format!("the lists of the API lack {name}, or can't be read"));
        }
    }
    let folder = std::env::temp_dir().join(format!("giambio-outside-{}", std::process::id()));
    let with_folder = |error| format!("{}: {error}", folder.display());
    let library = root().join("std-adapter").canonicalize().map_err(with_folder)?;
    let manifest = format!(
        "[package]\nname = \"outside\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\ngiambio = {{ path = {:?}, features = {features:?} }}\n",
        library.display().to_string()
    );
    let imports = names.iter().map(|name| format!("#[allow(unused_imports)]\nuse {name} as _;\n"));
    let imports = "#![deny(warnings)]\n".to_owned() + &imports.collect::<String>();
    fs::create_dir_all(folder.join("src")).map_err(with_folder)?;
    fs::write(folder.join("Cargo.toml"), manifest).map_err(with_folder)?;
    fs::write(folder.join("src/lib.rs"), imports).map_err(with_folder)?;
    // The versions that everything else is tested with.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).map_err(with_folder)?;
    let built = Shell::new("cargo check --manifest-path").arg(folder.join("Cargo.toml")).run();
    let _ = fs::remove_dir_all(&folder);
    built
}

/// What can be imported of an API, by the names that `giambio` gives to it: it has all of the core.
fn names(api: &str) -> BTreeSet<String> {
    api.lines().filter_map(name).collect()
}

/// What a line declares, unless it belongs to a type and comes with it.
fn name(line: &str) -> Option<String> {
    let (before, path) = line.split_once(" giambio_core::").or_else(|| line.split_once(" giambio::"))?;
    // Fields and variants have no word for what they are.
    let words: Vec<&str> = before.split(' ').skip_while(|word| *word != "pub").collect();
    let is_declared = words.len() > 1 && words.iter().all(|word| word.chars().all(char::is_alphabetic));
    let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
    let path = path[..end.unwrap_or(path.len())].trim_end_matches(':');
    let modules = path.rsplit_once("::").map_or("", |(modules, _)| modules);
    let is_of_a_module = !modules.contains(char::is_uppercase);
    (is_declared && is_of_a_module && !path.is_empty()).then(|| format!("giambio::{path}"))
}

#[cfg(test)]
mod tests {
    use super::{changes, name};

    #[test]
    fn a_change_is_what_only_one_of_the_lists_has() {
        assert_eq!(changes("a\nb\nc\n", "a\nc\nd\n"), "- b\n+ d\n");
    }

    #[test]
    fn what_can_be_imported_is_read_from_the_lists() {
        let names = |line| name(line).unwrap_or_default();
        assert_eq!(names("pub struct giambio_core::channel::Channel<T, const N: usize>"), "giambio::channel::Channel");
        assert_eq!(names("#[non_exhaustive] pub enum giambio::Outcome<T, E>"), "giambio::Outcome");
        assert_eq!(
            names("pub async fn giambio::net::lookup(impl giambio::net::ToAddresses) -> X"),
            "giambio::net::lookup"
        );
        assert_eq!(names("pub trait giambio_core::Clock: giambio_core::Reachable"), "giambio::Clock");
        for line in [
            "pub mod giambio",
            "pub use giambio::<<giambio_core::*>>",
            "pub giambio::Outcome::Failed(E)",
            "pub const fn giambio::StdClock::new() -> giambio::StdClock",
            "pub const giambio_core::Clock::HZ: u64",
            "pub fn &C::now(&self) -> giambio_core::time::Tick",
            "impl core::clone::Clone for giambio::net::Target",
        ] {
            assert_eq!(name(line), None, "{line}");
        }
    }
}
