//! What the packages are made of: features, dependencies and their licences, the oldest compiler.

use crate::machine::{Source, Tool};
use crate::platforms;
use crate::shell::{Shell, files, read, say};
use crate::steps::Outcome;

/// Each feature of both libraries builds, alone and beside each other one: what breaks only where three meet is rare.
pub(crate) fn feature_pairs() -> Outcome {
    check_features(2)
}

/// Every combination builds.
pub(crate) fn feature_matrix() -> Outcome {
    check_features(usize::MAX)
}

fn check_features(most: usize) -> Outcome {
    for (package, manifest) in [("giambio-core", "core/Cargo.toml"), ("giambio", "std-adapter/Cargo.toml")] {
        for features in feature_sets(manifest, most)? {
            Shell::new(&format!("cargo check --quiet -p {package} --no-default-features --features={features}"))
                .run()?;
        }
    }
    Ok(())
}

/// The features of a manifest, without the default, each with what it has in it.
fn declared(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let features = lines.filter_map(|line| line.split_once(" = "));
    features.filter(|(name, _)| *name != "default" && !name.starts_with(['_', '#']))
}

/// Every combination of so many features of a manifest at most, but for those that are the same because one has the other in
/// it.
fn feature_sets(manifest: &str, most: usize) -> Result<Vec<String>, String> {
    let text = read(manifest)?;
    let features: Vec<(&str, &str)> = declared(&text).collect();
    let subsets = (0..1_usize << features.len()).map(|bits| {
        let chosen = features.iter().enumerate().filter(move |(at, _)| bits & (1 << at) != 0);
        chosen.map(|(_, feature)| *feature).collect::<Vec<_>>()
    });
    let is_plain = |set: &[(&str, &str)]| {
        set.len() <= most
            && set.iter().all(|(name, _)| set.iter().all(|(_, inside)| !inside.contains(&format!("\"{name}\""))))
    };
    let names = |set: Vec<(&str, &str)>| set.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
    Ok(subsets.filter(|set| is_plain(set)).map(names).collect())
}

/// The version of Rust that the manifests promise.
const PROMISED: &str = env!("CARGO_PKG_RUST_VERSION");

/// It may be the toolchain in use.
pub(crate) const PROMISED_RUST: Tool = Tool {
    name: "the oldest Rust that is promised",
    is_here: || is_promised() || Shell::new(&format!("cargo +{PROMISED} --version")).output().is_some(),
    from: Source::Elsewhere("rustup toolchain install, with the version that Cargo.toml promises"),
};

fn is_promised() -> bool {
    let version = Shell::new("rustc --version").output().unwrap_or_default();
    version.starts_with(&format!("rustc {PROMISED}."))
}

/// The version that the manifests promise compiles everything.
pub(crate) fn minimum_rust() -> Outcome {
    if is_promised() {
        say(&format!("every other step compiles with Rust {PROMISED}"));
        return Ok(());
    }
    Shell::new(&format!("cargo +{PROMISED} check --workspace --all-targets")).run()
}

/// Licences under which a program may be made of something without asking anyone.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences of what may only be used unchanged: in tools and benchmarks, which nobody's program is made of.
const LICENCES_OF_TOOLS: &[&str] = &["MPL-2.0", "NCSA"];

/// Whether what a package says of its licence leaves a choice of these: of each "and" one of its "or".
fn is_under(licence: &str, allowed: &[&[&str]]) -> bool {
    // A slash is how "or" was written once.
    let plain = licence.replace(['(', ')'], "").replace(" / ", "/").replace('/', " OR ");
    let is_allowed = |name: &str| allowed.iter().any(|list| list.contains(&name));
    plain.split(" AND ").all(|part| part.split(" OR ").any(is_allowed))
}

/// What everything is made of: under licences that may be used, from the registry, and the libraries hold nothing twice.
///
/// Known flaws are not looked up: the list of them is only to be had from the network.
pub(crate) fn dependencies() -> Outcome {
    let mut complaints = Vec::new();
    for lock in locks()? {
        let is_of_tools = lock.starts_with("tests/") || lock.starts_with("bench/");
        let manifest = lock.replace("Cargo.lock", "Cargo.toml");
        let packages = Shell::new(
            "cargo tree --locked --workspace --all-features --edges normal,build,dev --target all --prefix none",
        )
        .args("--format {p}|{l} --manifest-path")
        .arg(&manifest)
        .said()?;
        // Those in a folder are ours.
        for package in packages.lines().filter(|line| !line.is_empty() && !line.contains(" (/")) {
            let (name, licence) = package.trim_end_matches(" (*)").split_once('|').ok_or(package)?;
            if !is_under(licence, if is_of_tools { &[LICENCES, LICENCES_OF_TOOLS] } else { &[LICENCES] }) {
                complaints.push(format!("{manifest}: {name} is under {licence:?}, which packages.rs does not allow"));
            }
        }
        let text = read(&lock)?;
        let sources = text.lines().filter(|line| line.starts_with("source = "));
        let others = sources.filter(|source| !source.starts_with("source = \"registry+"));
        complaints.extend(others.map(|source| format!("{lock} has {source}")));
    }
    for target in platforms::targets() {
        let twice = "cargo tree -p giambio --duplicates --edges normal --depth 0 --prefix none --target";
        let twice = Shell::new(twice).arg(target).said()?;
        if !twice.is_empty() {
            complaints.push(format!("on {target} the libraries hold more than one version:\n{twice}"));
        }
    }
    complaints.sort();
    complaints.dedup();
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// The lock file of each workspace, by its path from the root.
pub(crate) fn locks() -> Result<Vec<String>, String> {
    files("", "Cargo.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_sets_are_all_that_differ() {
        let sets = feature_sets("core/Cargo.toml", usize::MAX).unwrap();
        for set in ["", "std", "alloc", "hooks,nb"] {
            assert!(sets.iter().any(|known| known == set), "{set:?} is not in {sets:?}");
        }
        assert!(sets.iter().all(|set| !(set.contains("std") && set.contains("alloc"))), "std has alloc in it");
        assert!(!sets.iter().any(|set| set.contains("default")));
        let pairs = feature_sets("std-adapter/Cargo.toml", 2).unwrap();
        assert!(pairs.contains(&"heapless,defmt".to_owned()) && pairs.contains(&"net".to_owned()));
        assert!(pairs.iter().all(|set| set.matches(',').count() < 2));
    }

    #[test]
    fn a_licence_has_one_of_each_choice() {
        let is_allowed = |licence| is_under(licence, &[&["MIT", "ISC"], &["Zlib"]]);
        assert!(["MIT", "GPL-3.0/MIT", "GPL-3.0 OR Zlib", "(GPL-3.0 OR MIT) AND ISC"].into_iter().all(is_allowed));
        assert!(!["", "GPL-3.0", "MIT-0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0"].into_iter().any(is_allowed));
    }

    #[test]
    fn every_workspace_is_looked_at() {
        let locks = locks().unwrap();
        for lock in ["Cargo.lock", "bench/Cargo.lock", "examples/bare-metal/Cargo.lock", "tests/fuzz/Cargo.lock"] {
            assert!(locks.iter().any(|known| known == lock), "{lock} is not in {locks:?}");
        }
    }
}
