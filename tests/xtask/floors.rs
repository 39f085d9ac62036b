//! The core is built in floors: each file names only what stands below it. So there is an order in which to read it, and
//! each part can be taken out and tested by itself.

use std::fs;

use crate::rules::each_file;
use crate::shell::root;

/// From the ground up; a file names only those before it. A folder's `mod.rs` stands for the folder, unless its parts are all that
/// is in it.
const FLOORS: &[&str] = &[
    "fault",
    "kernel/in_place",
    "kernel/mask",
    "kernel/pin_ref",
    "kernel/timer/popped",
    "lock",
    "name",
    "panics",
    "task_info",
    "debugger",
    "kernel/foreign",
    "kernel/list",
    "kernel/memory/spare",
    "kernel/wait_queue/access",
    "kernel/waker_cell",
    "time",
    "counter",
    "kernel/memory/notify",
    "kernel/timer/entry",
    "kernel/wait_queue/line",
    "reason",
    "testing/stuck",
    "wait",
    "kernel/error_text",
    "kernel/scope/node",
    "kernel/timer/pairing_heap",
    "kernel/timer/wheel",
    "kernel/wait_queue/waiting",
    "kernel/wait_queue/sides",
    "errors",
    "kernel/task/header",
    "kernel/timer/few",
    "kernel/timer/many",
    "kernel/wait_queue",
    "kernel/lending",
    "kernel/once",
    "kernel/sharing",
    "io_error",
    "kernel/debugger_slot",
    "kernel/memory/mailbox",
    "kernel/memory/slab",
    "kernel/run_queue",
    "kernel/timer",
    "kernel/memory/page",
    "kernel/nursery/children",
    "kernel/nursery/shuffle",
    "kernel/memory/home",
    "kernel/context",
    "kernel/locals",
    "kernel/remote",
    "kernel/scope/shields",
    "kernel/scope/whole",
    "kernel/task/id",
    "kernel/threads",
    "kernel/wake",
    "kernel/waker",
    "kernel/storage",
    "storage",
    "gate",
    "kernel/emit",
    "kernel/scope/tree",
    "sync/waker_slot",
    "budgeted",
    "task_local",
    "kernel/scope/stop",
    "kernel/scope/asking",
    "kernel/scope/cancel",
    "kernel/scope/entered",
    "kernel/storage/heap",
    "kernel/storage/slots",
    "sync",
    "sync/event",
    "sync/semaphore",
    "sync/barrier",
    "sync/condition",
    "sync/inside",
    "sync/limiter",
    "sync/once_cell",
    "sync/rw_lock",
    "sync/watch",
    "channel/errors",
    "channel/buffer",
    "channel/buffered",
    "channel/carrier",
    "channel/deliver",
    "channel/send",
    "channel/slot",
    "channel/ends",
    "channel/bounded",
    "channel",
    "testing/blocked",
    "kernel/deadline",
    "kernel/storage/arena",
    "testing/autojump",
    "kernel/nursery/cell",
    "kernel/task/cell",
    "kernel/scope/audit",
    "kernel/task/lifecycle",
    "kernel/nursery/drive",
    "kernel/nursery/teardown",
    "kernel/root",
    "kernel/task/handle",
    "kernel/spawn",
    "runtime",
    "sleep",
    "task",
    "cancel",
    "delay",
    "nb",
    "testing/simulation",
    "nursery/books",
    "nursery/drive",
    "nursery/scope",
    "nursery/delay",
    "nursery/spawn_error",
    "nursery/child",
    "nursery/spawn",
    "nursery",
    "shield",
    "stop",
    "sync/mutex",
    "testing/seeds",
    "defmt_log",
];

/// Folders whose `mod.rs` says only what is in them.
const FOLDERS: [&str; 7] =
    ["channel", "kernel", "kernel/memory", "kernel/nursery", "kernel/scope", "kernel/task", "testing"];

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
            // In a module within a file, `super` is the file itself, and a macro's crate is everybody's.
            let is_own = start == "super::" && (path.is_empty() || path.starts_with(char::is_uppercase));
            if is_own || code[..at].ends_with('$') {
                continue;
            }
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
fn each_floor_of_the_core_names_only_what_is_below_it() {
    let mut wrong = Vec::new();
    let mut look = |path: &str| {
        let file = path.trim_start_matches(FOLDER).trim_end_matches(".rs");
        let is_folder = FOLDERS.contains(&file.trim_end_matches("/mod"));
        if !path.ends_with(".rs") || file == "lib" || is_folder || file.ends_with("/tests") {
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
    each_file("core/src", &mut look).unwrap();
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
