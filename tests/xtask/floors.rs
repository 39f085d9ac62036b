//! The core's kernel is built in floors: each file names only what stands below it. So there is an order in which to read it, and
//! each part can be taken out and tested by itself.

use std::fs;

use crate::rules::each_file;
use crate::shell::root;

/// From the ground up; a file names only those before it. `mod.rs` counts as its folder, and may name what is in it.
const FLOORS: [&str; 16] = [
    "fault",
    "panics",
    "lock",
    "kernel/pin_ref",
    "kernel/list",
    "kernel/wait_queue/access",
    "kernel/wait_queue/line",
    "kernel/wait_queue/waiting",
    "kernel/wait_queue",
    "kernel/timer/entry",
    "kernel/timer/pairing_heap",
    "kernel/timer/wheel",
    "kernel/timer/popped",
    "kernel/timer/few",
    "kernel/timer/many",
    "kernel/timer",
];

/// Where the files are that stand in the list.
const FOLDER: &str = "core/src/";

/// What a file names of the crate: the paths that begin with `crate::` or `super::`, seen from the crate's root.
fn names(file: &str, text: &str) -> Vec<String> {
    // Tests at a file's end may name what they like.
    let code = text.split("\n#[cfg(all(test").next().unwrap_or_default();
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names = Vec::new();
    for (start, from) in [("crate::", String::new()), ("super::", format!("{folder}::").replace('/', "::"))] {
        for (at, _) in code.match_indices(start) {
            let end = |letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':');
            let path = code[at + start.len()..].split(end).next().unwrap_or_default();
            names.push(format!("{from}{path}").replace("::", "/"));
        }
    }
    names
}

/// The place in the list of what a path leads to: the longest that it begins with.
fn floor(path: &str) -> Option<usize> {
    let leads_to = |floor: &str| path == floor || path.strip_prefix(floor).is_some_and(|rest| rest.starts_with('/'));
    (0..FLOORS.len()).filter(|at| leads_to(FLOORS[*at])).max_by_key(|at| FLOORS[*at].len())
}

#[test]
fn each_floor_of_the_kernel_names_only_what_is_below_it() {
    let mut wrong = Vec::new();
    let mut look = |path: &str| {
        let file = path.trim_start_matches(FOLDER).trim_end_matches(".rs");
        if !path.ends_with(".rs") || file == "kernel/mod" || file.ends_with("/tests") {
            return;
        }
        let place = floor(file.trim_end_matches("/mod"));
        let text = fs::read_to_string(root().join(path)).unwrap();
        for name in names(file, &text) {
            // What a folder re-exports is named by its folder; the parts of the folder itself stand in the list.
            let is_below = matches!((floor(&name), place), (Some(below), Some(place)) if below < place);
            let is_in_it = file.ends_with("/mod") && floor(&name) == place;
            if !is_below && !is_in_it {
                wrong.push(format!("{path} names {name}"));
            }
        }
        if place.is_none() {
            wrong.push(format!("{path} stands on no floor"));
        }
    };
    each_file("core/src/kernel", &mut look).unwrap();
    assert!(wrong.is_empty(), "tests/xtask/floors.rs has the order:\n{}", wrong.join("\n"));
}

#[test]
fn paths_are_seen_from_the_root() {
    let text = "use super::list::List; // super::nothing\n    crate::fault::fault!();\n//! crate::kernel";
    assert_eq!(names("kernel/timer/many", text), ["fault/fault", "kernel/timer/list/List"]);
    assert_eq!(floor("kernel/timer/list/List"), floor("kernel/timer"));
    assert_eq!(floor("kernel/list/List"), floor("kernel/list"));
    assert_eq!(floor("kernel/lists"), None);
}
