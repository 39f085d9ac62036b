//! What must hold of the sources and of what they depend on.

use std::fs;
use std::io;
use std::iter::Peekable;
use std::str::SplitWhitespace;

use crate::machine::{Source, Tool};
use crate::platforms;
use crate::shell::{Shell, done_with, root, say};
use crate::steps::{Outcome, Verdict};

/// Every combination of each library's features builds.
pub(crate) fn feature_matrix() -> Outcome {
    for (package, manifest) in [("giambio-core", "core/Cargo.toml"), ("giambio", "std-adapter/Cargo.toml")] {
        for features in feature_sets(manifest)? {
            Shell::new(&format!("cargo check --quiet -p {package} --no-default-features --features={features}"))
                .run()?;
        }
    }
    Ok(Verdict::Passed)
}

/// The features of a manifest, without the default.
pub(crate) fn features(manifest: &str) -> Result<Vec<String>, String> {
    Ok(declared(&read(manifest)?).map(|(name, _)| name.to_owned()).collect())
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))
}

/// The features, each with what it has in it.
fn declared(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let features = lines.filter_map(|line| line.split_once(" = "));
    features.filter(|(name, _)| *name != "default" && !name.starts_with(['_', '#']))
}

/// Every combination of the features of a manifest, but for those that are the same because one has the other in it.
fn feature_sets(manifest: &str) -> Result<Vec<String>, String> {
    let text = read(manifest)?;
    let features: Vec<(&str, &str)> = declared(&text).collect();
    let subsets = (0..1_usize << features.len()).map(|bits| {
        let chosen = features.iter().enumerate().filter(move |(at, _)| bits & (1 << at) != 0);
        chosen.map(|(_, feature)| *feature).collect::<Vec<_>>()
    });
    let is_plain = |set: &[(&str, &str)]| {
        set.iter().all(|(name, _)| set.iter().all(|(_, inside)| !inside.contains(&format!("\"{name}\""))))
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
        return Ok(Verdict::Passed);
    }
    Shell::new(&format!("cargo +{PROMISED} check --workspace --all-targets")).own_target("minimum-rust").run()?;
    done_with("minimum-rust");
    Ok(Verdict::Passed)
}

/// Licences that a program may be made of without asking anyone.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

/// Licences of what may only be used unchanged: in tools and benchmarks, which nobody's program is made of.
const LICENCES_OF_TOOLS: &[&str] = &["MPL-2.0"];

/// What everything is made of: under licences that may be used, from the registry, and the libraries hold nothing twice.
///
/// Known flaws are not looked up: the list of them is only to be had from the network.
pub(crate) fn dependencies() -> Outcome {
    let mut complaints = Vec::new();
    for lock in locks()? {
        let allowed = if lock.starts_with("tests/") || lock.starts_with("bench/") {
            [LICENCES, LICENCES_OF_TOOLS].concat()
        } else {
            LICENCES.to_vec()
        };
        let manifest = lock.replace("Cargo.lock", "Cargo.toml");
        let packages =
            Shell::new("cargo tree --locked --workspace --edges normal,build,dev --target all --prefix none")
                .args("--format {p}|{l} --manifest-path")
                .arg(&manifest)
                .said()?;
        // Those in a folder are ours.
        for package in packages.lines().filter(|line| !line.is_empty() && !line.contains(" (/")) {
            let (name, licence) = package.trim_end_matches(" (*)").split_once('|').ok_or(package)?;
            if !may_be_used(licence, &allowed) {
                complaints.push(format!("{manifest}: {name} is under {licence:?}"));
            }
        }
        let text = fs::read_to_string(root().join(&lock)).map_err(|error| format!("{lock}: {error}"))?;
        let sources = text.lines().filter(|line| line.starts_with("source = "));
        let others = sources.filter(|source| !source.starts_with("source = \"registry+"));
        complaints.extend(others.map(|source| format!("{lock} has {source}")));
    }
    for target in platforms::targets() {
        let twice =
            Shell::new(&format!("cargo tree -p giambio --duplicates --edges normal --depth 0 --target {target}"));
        let twice = twice.args("--prefix none").said()?;
        if !twice.is_empty() {
            complaints.push(format!("on {target} the libraries hold more than one version:\n{twice}"));
        }
    }
    complaints.sort();
    complaints.dedup();
    if complaints.is_empty() { Ok(Verdict::Passed) } else { Err(complaints.join("\n")) }
}

/// The lock file of each workspace, by its path from the root.
pub(crate) fn locks() -> Result<Vec<String>, String> {
    let mut locks = Vec::new();
    each_file("", &mut |path| {
        if path == "Cargo.lock" || path.ends_with("/Cargo.lock") {
            locks.push(path.to_owned());
        }
    })
    .map_err(|error| error.to_string())?;
    locks.sort();
    Ok(locks)
}

/// Calls `look` with the path of each file below a folder, both from the root; what was built is no file of ours.
pub(crate) fn each_file(folder: &str, look: &mut impl FnMut(&str)) -> io::Result<()> {
    for entry in fs::read_dir(root().join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type()?.is_dir() {
            look(&path);
        } else if name != "target" && !name.starts_with('.') {
            each_file(&path, look)?;
        }
    }
    Ok(())
}

/// Does an expression of SPDX leave a choice that is allowed? `/` is how "or" was written once.
fn may_be_used(licence: &str, allowed: &[&str]) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    any(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = Peekable<SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut may = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        may |= all(words, allowed);
    }
    may
}

fn all(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    let mut may = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        may &= one(words, allowed);
    }
    may
}

fn one(words: &mut Words<'_>, allowed: &[&str]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let may = any(words, allowed);
        return words.next() == Some(")") && may;
    }
    let mut name = Vec::new();
    while let Some(word) = words.next_if(|word| !["OR", "AND", ")"].contains(word)) {
        name.push(word);
    }
    allowed.contains(&name.join(" ").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_may_be_used_if_a_choice_may() {
        let may_be_used = |licence| may_be_used(licence, LICENCES);
        for may in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND Unicode-3.0", "(ISC)"] {
            assert!(may_be_used(may), "{may}");
        }
        for may_not in
            ["", "GPL-3.0", "MPL-2.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "GPL-3.0 OR", "(MIT", "MIT)"]
        {
            assert!(!may_be_used(may_not), "{may_not}");
        }
        assert!(may_be_used("Apache-2.0 WITH LLVM-exception") && !may_be_used("MIT WITH LLVM-exception"));
    }

    #[test]
    fn feature_sets_are_all_that_differ() {
        let sets = feature_sets("core/Cargo.toml").unwrap();
        for set in ["", "std", "alloc", "hooks,nb"] {
            assert!(sets.iter().any(|known| known == set), "{set:?} is not in {sets:?}");
        }
        assert!(sets.iter().all(|set| !(set.contains("std") && set.contains("alloc"))), "std has alloc in it");
        assert!(!sets.iter().any(|set| set.contains("default")));
        assert!(feature_sets("std-adapter/Cargo.toml").unwrap().contains(&"heapless,defmt".to_owned()));
    }

    /// What `cargo tree --edges normal` says of a library on some systems, without versions.
    fn tree(package: &str) -> String {
        let systems = ["x86_64-unknown-linux-gnu", "x86_64-unknown-freebsd", "x86_64-pc-windows-gnu"];
        let on = |target: &str| {
            let tree =
                Shell::new("cargo tree --locked --edges normal --no-dedupe --prefix depth --format {p} --package")
                    .arg(package)
                    .args("--target")
                    .arg(target)
                    .said()
                    .unwrap();
            let line = |line: &str| {
                let name = line.split(' ').next().unwrap_or_default().trim_start_matches(char::is_numeric);
                let depth: usize = line.split(|c: char| !c.is_numeric()).next().unwrap_or_default().parse().unwrap();
                format!("{}{name}\n", "  ".repeat(depth + 1))
            };
            format!("{target}\n{}", tree.lines().map(line).collect::<String>())
        };
        systems.map(on).concat()
    }

    #[test]
    fn the_libraries_are_made_of_what_their_lists_say() {
        for (package, file) in [("giambio-core", "core/dependencies.txt"), ("giambio", "std-adapter/dependencies.txt")]
        {
            let (kept, now) = (fs::read_to_string(root().join(file)).unwrap(), tree(package));
            assert!(kept == now, "{file} differs from what {package} is made of, which is\n{now}");
        }
    }

    /// A pointer to a whole that is made of a reference to its first part is good for no more than that part. So what leads to
    /// tasks, nurseries and scopes is made of references where these are the whole, and nowhere else.
    #[test]
    fn pointers_to_wholes_are_made_in_few_places() {
        const KNOWN: [(&str, usize); 6] = [
            ("deadline.rs", 2),
            ("nursery/cell.rs", 1),
            ("root.rs", 1),
            ("scope/listed.rs", 3),
            ("storage/slots.rs", 2),
            ("wait_queue/waiting.rs", 1),
        ];
        let mut found = Vec::new();
        let mut look = |path: &str| {
            let text = fs::read_to_string(root().join(path)).unwrap();
            let code = text.split("\n#[cfg(all(test").next().unwrap_or_default();
            let count = code.matches("NonNull::from(").count();
            if count > 0 && !path.ends_with("/tests.rs") {
                found.push((path.trim_start_matches("core/src/kernel/").to_owned(), count));
            }
        };
        each_file("core/src/kernel", &mut look).unwrap();
        found.sort();
        assert_eq!(
            found,
            KNOWN.map(|(file, count)| (file.to_owned(), count)),
            "is each of the whole that it leads to?"
        );
    }

    #[test]
    fn every_workspace_is_looked_at() {
        let locks = locks().unwrap();
        for lock in ["Cargo.lock", "bench/Cargo.lock", "examples/bare-metal/Cargo.lock", "tests/fuzz/Cargo.lock"] {
            assert!(locks.iter().any(|known| known == lock), "{lock} is not in {locks:?}");
        }
    }

    /// The folders that are about systems: of the libraries, and of the tests.
    const PLATFORM_FOLDERS: [&str; 2] = ["std-adapter/src/sys/", "std-adapter/src/reactor/"];
    const TESTS_OF_A_SYSTEM: [&str; 13] = [
        "std-adapter/tests/accept_errors.rs",
        "std-adapter/tests/connecting.rs",
        "std-adapter/tests/fd_leaves_nothing.rs",
        "std-adapter/tests/fd_linux.rs",
    "std-adapter/tests/files_linux.rs",
        "std-adapter/tests/listeners.rs",
        "std-adapter/tests/lookups.rs",
        "std-adapter/tests/no_threads.rs",
        "std-adapter/tests/streams.rs",
        "std-adapter/tests/unix_names.rs",
        "tests/scenarios/echo_costs.rs",
        "tests/scenarios/interface_down.rs",
        "tests/scenarios/soak/measure.rs",
        "tests/xtask/rules.rs",
    ];

    /// The conditions in a source: what `cfg`, `cfg!` and `cfg_attr` have in their parentheses.
    fn conditions(text: &str) -> Vec<&str> {
        let mut conditions = Vec::new();
        for start in ["cfg(", "cfg!(", "cfg_attr("] {
            for (at, _) in text.match_indices(start) {
                let inside = &text[at + start.len()..];
                let mut depth = 1;
                let end = inside.find(|letter| {
                    depth += i32::from(letter == '(') - i32::from(letter == ')');
                    depth == 0
                });
                conditions.push(&inside[..end.unwrap_or(inside.len())]);
            }
        }
        conditions
    }

    #[test]
    fn a_condition_may_have_parentheses_and_several_lines() {
        let text = "#[cfg(any(unix,\n not(windows)))] if cfg!(test) {} #[cfg_attr(loom, path = \"a\")]";
        assert_eq!(conditions(text), ["any(unix,\n not(windows))", "test", "loom, path = \"a\""]);
    }

    /// Is a file about a system, by its name or its folder's?
    fn is_of_a_system(path: &str) -> bool {
        PLATFORM_FOLDERS.iter().any(|folder| path.starts_with(folder))
            || path.ends_with("/unix.rs")
            || path.ends_with("/windows.rs")
    }

    /// Is a file that which chooses between the `unix.rs` and the `windows.rs` of its folder, or has a `unix`?
    fn chooses(path: &str) -> bool {
        let folder = path.strip_suffix("/mod.rs");
        folder.is_some_and(|folder| ["unix.rs", "unix"].iter().any(|name| root().join(folder).join(name).exists()))
    }

    #[test]
    fn only_platform_files_ask_for_the_system() {
        const SYSTEM: [&str; 2] = ["target_os", "target_vendor"];
        const FAMILY: [&str; 3] = ["target_family", "unix", "windows"];
        let mut asks = Vec::new();
        for folder in ["core", "std-adapter", "integrations", "examples", "tests"] {
            let mut look = |path: &str| {
                if !path.ends_with(".rs") || is_of_a_system(path) {
                    return;
                }
                // What a test can look at depends on the family of systems; more must not.
                let may_ask_for_family = path.starts_with("tests/") || path.contains("/tests/") || chooses(path);
                let text = fs::read_to_string(root().join(path)).unwrap();
                for condition in conditions(&text) {
                    let words = condition.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                    let asks_for = |names: &[&str]| words.clone().any(|word| names.contains(&word));
                    if asks_for(&SYSTEM) && !TESTS_OF_A_SYSTEM.contains(&path)
                        || asks_for(&FAMILY) && !may_ask_for_family
                    {
                        asks.push(format!("{path}: cfg({condition})"));
                    }
                }
            };
            each_file(folder, &mut look).unwrap();
        }
        assert!(asks.is_empty(), "only platform files ask for the operating system:\n{}", asks.join("\n"));
    }
}
