//! Which operating system it is, is asked in few files.

use super::sources;
use crate::shell::root;

/// The folders that are about systems: of the libraries, and of the tests.
const PLATFORM_FOLDERS: [&str; 3] =
    ["std-adapter/src/sys/", "std-adapter/src/reactor/", "std-adapter/src/signal/unix/"];
const TESTS_OF_A_SYSTEM: [&str; 17] = [
    "std-adapter/tests/accept_errors.rs",
    "std-adapter/tests/fd_leaves_nothing.rs",
    "std-adapter/tests/files_linux.rs",
    "std-adapter/tests/folders_not_synced.rs",
    "std-adapter/tests/suite/main.rs",
    "std-adapter/tests/suite/listeners.rs",
    "std-adapter/tests/lookups.rs",
    "std-adapter/tests/no_descriptors_linux.rs",
    "std-adapter/tests/no_threads.rs",
    "std-adapter/tests/pipes.rs",
    "std-adapter/tests/processes_leave_nothing.rs",
    "std-adapter/tests/processes_linux.rs",
    "std-adapter/tests/suite/streams.rs",
    "tests/scenarios/echo_costs.rs",
    "tests/scenarios/interface_down.rs",
    "tests/scenarios/soak/measure.rs",
    "tests/rules/systems.rs",
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
        for (path, text) in sources(folder) {
            if is_of_a_system(&path) {
                continue;
            }
            // What a test can look at depends on the family of systems; more must not.
            let may_ask_for_family = path.starts_with("tests/") || path.contains("/tests/") || chooses(&path);
            for condition in conditions(&text) {
                let words = condition.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let asks_for = |names: &[&str]| words.clone().any(|word| names.contains(&word));
                if asks_for(&SYSTEM) && !TESTS_OF_A_SYSTEM.contains(&&*path) || asks_for(&FAMILY) && !may_ask_for_family
                {
                    asks.push(format!("{path}: cfg({condition})"));
                }
            }
        }
    }
    assert!(asks.is_empty(), "only platform files ask for the operating system:\n{}", asks.join("\n"));
}
