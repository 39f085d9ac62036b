//! A crate of somebody else, outside of this workspace: with `giambio` as its only dependency it has every public name that the
//! documentation shows.

use std::collections::BTreeSet;
use std::fs;

use giambio_public_api::{LISTS, cargo, list, read, root, run};

#[test]
fn a_crate_outside_has_every_name_of_the_lists() {
    build("names", &LISTS.map(|(_, file)| read(file).unwrap()).concat(), &[]);
}

#[test]
fn with_features_it_has_what_they_add() {
    let manifest = read("std-adapter/Cargo.toml").unwrap();
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let features = features.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let features: Vec<&str> = features.map(|(name, _)| name).filter(|name| !name.starts_with('#')).collect();
    assert!(features.contains(&"introspect"), "{features:?}");
    let with_all = |(package, _)| list(package, &["--all-features"]).unwrap();
    build("features", &LISTS.map(with_all).concat(), &features);
}

/// Builds a crate that imports each name of an API.
fn build(name: &str, api: &str, features: &[&str]) {
    let names = names(api);
    // Of each library one.
    for name in ["giambio::channel::Channel", "giambio::net::TcpStream"] {
        assert!(names.contains(name), "the lists of the API lack {name}, or can't be read");
    }
    let folder = std::env::temp_dir().join(format!("giambio-outside-{name}-{}", std::process::id()));
    let library = root().join("std-adapter").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"outside\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\ngiambio = {{ path = {:?}, features = {features:?} }}\n",
        library.display().to_string()
    );
    let imports = names.iter().map(|name| format!("#[allow(unused_imports)]\nuse {name} as _;\n"));
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), imports.collect::<String>()).unwrap();
    // The versions that everything else is tested with.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    // In the libraries nothing is warned of either.
    let built = run(cargo("check --manifest-path").arg(folder.join("Cargo.toml")).env("RUSTFLAGS", "-Dwarnings"));
    let _ = fs::remove_dir_all(&folder);
    built.unwrap();
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
    // Behind a type's parameters comes a method of it.
    let is_method = words.contains(&"fn") && path[modules.len()..].contains(char::is_uppercase);
    let is_of_a_module = !modules.contains(char::is_uppercase) && !is_method;
    (is_declared && is_of_a_module && !path.is_empty()).then(|| format!("giambio::{path}"))
}

#[test]
fn what_can_be_imported_is_read_from_the_lists() {
    let names = |line| name(line).unwrap_or_default();
    assert_eq!(names("pub struct giambio_core::channel::Channel<T, const N: usize>"), "giambio::channel::Channel");
    assert_eq!(names("#[non_exhaustive] pub enum giambio::Outcome<T, E>"), "giambio::Outcome");
    assert_eq!(names("pub async fn giambio::net::lookup(impl giambio::net::ToAddresses) -> X"), "giambio::net::lookup");
    assert_eq!(names("pub trait giambio_core::Clock: giambio_core::Reachable"), "giambio::Clock");
    for line in [
        "pub mod giambio",
        "pub use giambio::<<giambio_core::*>>",
        "pub giambio::Outcome::Failed(E)",
        "pub const fn giambio::StdClock::new() -> giambio::StdClock",
        "pub const giambio_core::Clock::HZ: u64",
        "pub fn giambio_core::nursery::scope::Nursery<'scope, 'env, E>::portal(self) -> giambio::Portal<E>",
        "pub fn &C::now(&self) -> giambio_core::time::Tick",
        "impl core::clone::Clone for giambio::net::Target",
    ] {
        assert_eq!(name(line), None, "{line}");
    }
}
