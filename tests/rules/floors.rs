//! Both libraries are built in floors: each file names only what stands below it. So there is an order in which to read them,
//! and each part can be taken out and tested by itself.

use super::sources;
use crate::shell::{read, root};

/// A library.
struct House {
    /// Where its files are.
    folder: &'static str,
    /// From the ground up, each file; it names only those before it. A folder's `mod.rs` stands for the folder, unless its
    /// parts are all that is in it.
    floors: &'static [&'static str],
    /// Folders whose `mod.rs` says only what is in them.
    folders: &'static [&'static str],
}

const CORE: House = House {
    folder: "core/src/",
    floors: FLOORS_OF_THE_CORE,
    folders: &[
        "channel",
        "kernel",
        "kernel/memory",
        "kernel/nursery",
        "kernel/scope",
        "kernel/task",
        "results",
        "testing",
    ],
};

const ADAPTER: House = House {
    folder: "std-adapter/src/",
    floors: FLOORS_OF_THE_ADAPTER,
    folders: &[
        "fd/twin",
        "fs",
        "fs/system",
        "net",
        "net/system",
        "net/tcp",
        "net/udp",
        "net/unix",
        "process",
        "reactor",
        "signal",
        "stdio",
        "stdio/system",
        "sys",
        "threads",
    ],
};

/// What is called `system` is one of several files, one for each system.
const FLOORS_OF_THE_ADAPTER: &[&str] = &[
    "clock",
    "foreign",
    "sys/callbacks",
    "sys/errno",
    "sys/errno/unix",
    "sys/errno/windows",
    "sys/limits",
    "sys/children",
    "sys/process",
    "sys/exit",
    "sys/signals",
    "sys/waitable",
    "sys/transfer",
    "sys/job",
    "job",
    "pool",
    "call",
    "blocking",
    "stdio/system",
    "stdio/system/unix",
    "stdio/system/windows",
    "stdio/input",
    "stdio/output",
    "stdio",
    "threads/scoped",
    "threads/portal",
    "reactor/armed",
    "reactor/closed",
    "reactor/limit",
    "reactor/readiness",
    "reactor/registry",
    "reactor/notifier",
    "reactor/descriptor",
    "reactor/bell/unix",
    "reactor/bell/windows",
    "reactor/sources/unix",
    "reactor/sources/windows",
    "reactor/epoll",
    "reactor/portable",
    "reactor/system",
    "reactor/thread",
    "reactor/claim",
    "reactor/source",
    "reactor/lend",
    "reactor/attempt",
    "reactor",
    "fd/twin",
    "fd/twin/unix",
    "fd/twin/windows",
    "fd",
    "fd/unix",
    "fd/windows",
    "fs/path_error",
    "fs/job",
    "fs/system",
    "fs/system/unix",
    "fs/system/windows",
    "fs/open",
    "fs/whole",
    "fs/atomic",
    "fs/copying",
    "fs/folders",
    "fs/links",
    "fs/batches",
    "fs/entries",
    "fs/walking",
    "fs/file",
    "fs/temporary",
    "idle",
    "idle/unix",
    "watchdog",
    "signal/interrupted",
    "signal/kinds",
    "signal/kinds/unix",
    "signal/kinds/windows",
    "signal/patience",
    "signal/unix/slot",
    "signal/unix/handler",
    "signal/unix/disposition",
    "signal/unix",
    "signal/windows",
    "signal/system",
    "signal/signals",
    "signal/ctrl_c",
    "signal/stop",
    "signal",
    "run",
    "cores/ends",
    "cores",
    "stream/kind",
    "stream/calls",
    "stream",
    "stream/unix",
    "stream/windows",
    "stream/ends",
    "stream/all",
    "stream/halves",
    "stream/futures_io",
    "stream/embedded_io",
    "stream/to_end",
    "stream/frame",
    "stream/incoming",
    "stream/outgoing",
    "stream/pump",
    "stream/copy",
    "stream/buffered",
    "stream/stdin",
    "stream/alone",
    "stream/duplex",
    "stream/foreign",
    "stream/pipe/unix",
    "stream/pipe/windows",
    "stream/pipe",
    "process/spawn/unix",
    "process/spawn/windows",
    "process/spawn",
    "process/reaper",
    "process/unix",
    "process/windows",
    "process/system",
    "process/not_started",
    "process/out_of_time",
    "process/child",
    "process/communicate",
    "process/lives",
    "net/address_errors",
    "net/resolve",
    "net/addresses",
    "net/received",
    "net/system",
    "net/system/unix",
    "net/system/windows",
    "net/descriptor",
    "net/buffers",
    "net/connection",
    "net/connecting",
    "net/listener/line",
    "net/listener/retry",
    "net/listener",
    "net/listener/unix",
    "net/listener/windows",
    "net/tcp/stream",
    "net/tcp/options",
    "net/tcp/unix",
    "net/tcp/connect",
    "net/tcp/listener",
    "net/tcp/listen",
    "net/serve/accept",
    "net/serve/answers",
    "net/serve/counts",
    "net/serve/hooks",
    "net/serve/shared",
    "net/serve/connection",
    "net/serve/server",
    "net/serve",
    "net/datagram/too_long",
    "net/datagram",
    "net/datagram/unix",
    "net/datagram/windows",
    "net/udp/socket",
    "net/udp/options",
    "net/socket",
    "net/socket/unix",
    "net/socket/windows",
    "net/unix/address",
    "net/unix/stream",
    "net/unix/credentials",
    "net/unix/passing",
    "net/unix/fresh",
    "net/unix/listener",
    "net/unix/datagram",
];

const FLOORS_OF_THE_CORE: &[&str] = &[
    "fault",
    "flag",
    "kernel/in_place",
    "kernel/mask/alone",
    "kernel/mask/words",
    "kernel/mask/kept_out",
    "kernel/mask/promised",
    "kernel/mask",
    "kernel/pin_ref",
    "kernel/one_context",
    "kernel/timer/popped",
    "kernel/used",
    "lock",
    "call_site",
    "name",
    "panics",
    "task_info",
    "debugger",
    "kernel/fifo",
    "kernel/foreign",
    "kernel/list",
    "kernel/memory/spare",
    "kernel/wait_queue/access",
    "kernel/waker_cell",
    "time",
    "counter",
    "kernel/clock/declared",
    "kernel/clock/given",
    "kernel/clock",
    "kernel/memory/notify",
    "kernel/timer/entry",
    "reason",
    "testing/stuck",
    "wait",
    "kernel/error_text",
    "kernel/scope/listed",
    "kernel/scope/node",
    "kernel/timer/pairing_heap",
    "kernel/timer/wheel",
    "errors",
    "kernel/task/header",
    "kernel/timer/few",
    "kernel/timer/many",
    "kernel/timer/more",
    "kernel/debugger_slot",
    "kernel/memory/mailbox",
    "kernel/memory/slab",
    "kernel/run_queue",
    "kernel/timer",
    "kernel/memory/page",
    "kernel/nursery/children",
    "kernel/memory/home",
    "kernel/context",
    "kernel/nursery/shuffle",
    "kernel/locals",
    "kernel/scope/whole",
    "kernel/scope/shields",
    "kernel/task/id",
    "kernel/roll_call",
    "kernel/emit",
    "kernel/remote",
    "kernel/threads",
    "kernel/wake",
    "kernel/waker",
    "kernel/wait_queue/line",
    "kernel/wait_queue/line/inner",
    "kernel/wait_queue/waiting",
    "kernel/wait_queue/sides",
    "kernel/wait_queue",
    "kernel/lending",
    "kernel/once",
    "kernel/sharing",
    "kernel/storage",
    "storage",
    "gate",
    "kernel/scope/tree",
    "sync/waker_slot",
    "budgeted",
    "then",
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
    "sync/latch",
    "sync/limiter",
    "sync/once_cell",
    "sync/rw_lock",
    "sync/watch",
    "channel/errors",
    "channel/oneshot",
    "channel/methods",
    "channel/counts",
    "channel/held",
    "channel/table",
    "channel/ring",
    "channel/flow",
    "channel/buffer",
    "channel/ranked",
    "channel/places",
    "channel/news",
    "channel/subscriber",
    "channel/broadcast",
    "channel/growable_broadcast",
    "channel/buffered",
    "channel/carrier",
    "channel/deliver",
    "channel/send",
    "channel/slot",
    "channel/ends",
    "channel/bounded",
    "channel/growable",
    "channel/unbounded",
    "channel/priority",
    "channel/growable_priority",
    "channel/rendezvous",
    "channel/rendezvous_ends",
    "channel/pipe",
    "channel/whole",
    "channel/pipe_ends",
    "channel/embedded_io",
    "channel/futures_io",
    "channel",
    "io_error",
    "testing/blocked",
    "kernel/deadline/rate",
    "kernel/deadline/sleeper",
    "kernel/deadline/heap",
    "kernel/deadline/entry",
    "kernel/deadline/timed",
    "kernel/deadline",
    "kernel/storage/arena",
    "testing/autojump",
    "kernel/nursery/cell",
    "kernel/task/cell",
    "kernel/task/lifecycle",
    "kernel/task/handle",
    "kernel/walk",
    "kernel/scope/audit",
    "kernel/nursery/drive",
    "kernel/nursery/cancelled",
    "kernel/nursery/teardown",
    "kernel/task/root",
    "kernel/outside",
    "kernel/root",
    "kernel/nursery/outermost",
    "kernel/spawn",
    "runtime/step",
    "runtime",
    "runtime/guest",
    "introspect",
    "introspect/line",
    "introspect/dump",
    "introspect/show",
    "introspect/chains",
    "sleep",
    "interval",
    "streams",
    "sinks",
    "task",
    "cancel/state",
    "cancel/deadline",
    "cancel/handle",
    "cancel",
    "race",
    "delay",
    "nb",
    "testing/asking",
    "testing/simulation",
    "testing/cancel_everywhere",
    "nursery/books",
    "nursery/drive",
    "nursery/scope",
    "nursery/run",
    "nursery/delay",
    "nursery/spawn_error",
    "nursery/child",
    "nursery/spawn",
    "nursery/start",
    "nursery",
    "results/places",
    "results/for_each",
    "results/all_settled",
    "results/as_completed",
    "results/first_ok",
    "results/map_all",
    "shield",
    "stop",
    "after_stop",
    "sync/mutex",
    "restart",
    "restart/child",
    "testing/seeds",
    "defmt_log",
];

/// What a file names of the crate: the paths that begin with `crate::` or `super::`, seen from the crate's root; in a folder's
/// `mod.rs` also those of its own parts, unless it passes them on.
fn names(file: &str, text: &str) -> Vec<String> {
    // Tests at a file's end may name what they like.
    let code = text.split("\n#[cfg(all(test").next().unwrap_or_default();
    let code = code.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut starts = vec![("crate::".to_owned(), String::new()), ("super::".to_owned(), format!("{folder}/"))];
    if file.ends_with("/mod") {
        let parts = code.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
        starts.extend(parts.map(|part| (format!("{part}::"), format!("{folder}/{part}/"))));
    }
    let mut names = Vec::new();
    for (start, from) in starts {
        for (at, _) in code.match_indices(&start) {
            let before = &code[..at];
            let is_passed_on = ["pub use ", ") use ", "pub(in "].iter().any(|end| before.ends_with(end));
            // A macro's crate is everybody's.
            if is_passed_on || before.ends_with(|letter: char| letter.is_alphanumeric() || "$_:".contains(letter)) {
                continue;
            }
            // In a module within a file, `super` is the file itself.
            let is_own = start == "super::" && before.ends_with("    use ");
            for path in branches(&code[at + start.len()..]) {
                if is_own || start == "super::" && (path.is_empty() || path.starts_with(char::is_uppercase)) {
                    continue;
                }
                names.push(format!("{from}{path}").replace("::", "/").trim_end_matches('/').to_owned());
            }
        }
    }
    names
}

/// The paths that a text begins with: one, or with braces several.
fn branches(text: &str) -> Vec<String> {
    let is_of_a_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let (path, rest) = text.split_at(text.find(|letter| !is_of_a_path(letter)).unwrap_or(text.len()));
    let Some(mut inside) = rest.strip_prefix('{') else { return vec![path.to_owned()] };
    if !path.is_empty() && !path.ends_with("::") {
        return vec![path.to_owned()]; // a block that follows
    }
    let mut all = Vec::new();
    loop {
        inside = inside.trim_start();
        all.extend(branches(inside).iter().map(|branch| format!("{path}{branch}")));
        let mut depth = 0;
        let end = inside.find(|letter| {
            depth += i32::from(letter == '{') - i32::from(letter == '}');
            depth < 0 || depth == 0 && letter == ','
        });
        match end {
            Some(end) if inside[end..].starts_with(',') => inside = &inside[end + 1..],
            _ => return all,
        }
    }
}

impl House {
    /// The place in the list of what a path leads to: the longest that it begins with.
    fn floor(&self, path: &str) -> Option<usize> {
        let leads_to =
            |floor: &str| path == floor || path.strip_prefix(floor).is_some_and(|rest| rest.starts_with('/'));
        (0..self.floors.len()).filter(|at| leads_to(self.floors[*at])).max_by_key(|at| self.floors[*at].len())
    }

    /// What names something that is not below it, and what is not in the list.
    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (path, text) in sources(self.folder.trim_end_matches('/')) {
            let file = path.trim_start_matches(self.folder).trim_end_matches(".rs");
            let is_folder = self.folders.contains(&file.trim_end_matches("/mod"));
            if file != "lib" && !is_folder && !file.ends_with("/tests") {
                wrong.extend(self.complaints(file, &text).iter().map(|complaint| format!("{path} {complaint}")));
            }
        }
        wrong
    }

    /// What is wrong with a file.
    fn complaints(&self, file: &str, text: &str) -> Vec<String> {
        let own = file.trim_end_matches("/mod");
        let Some(place) = self.floors.iter().position(|floor| *floor == own) else {
            return vec!["is not in the list".to_owned()];
        };
        let is_wrong = |name: &String| {
            // What a folder re-exports is named by its folder; the parts of the folder itself stand in the list.
            let floor = self.floor(name);
            let is_below = floor.is_some_and(|floor| floor < place);
            let is_in_it = file.ends_with("/mod") && floor == Some(place);
            !is_below && !is_in_it
        };
        names(file, text).into_iter().filter(is_wrong).map(|name| format!("names {name}")).collect()
    }
}

#[test]
fn each_floor_names_only_what_is_below_it() {
    for house in [CORE, ADAPTER] {
        let wrong = house.wrong();
        assert!(wrong.is_empty(), "tests/rules/floors.rs has the order:\n{}", wrong.join("\n"));
    }
}

#[test]
fn every_floor_is_there() {
    for house in [CORE, ADAPTER] {
        for floor in house.floors.iter().filter(|floor| !floor.ends_with("/system")) {
            let places = [".rs", "/mod.rs"].map(|end| root().join(format!("{}{floor}{end}", house.folder)));
            assert!(places.iter().any(|place| place.exists()), "{}{floor} is in the list, and not there", house.folder);
        }
    }
}

#[test]
fn paths_are_seen_from_the_root() {
    let text = "use super::list::List; // super::nothing\n    crate::fault::fault!();\n//! crate::kernel";
    assert_eq!(names("kernel/timer/many", text), ["fault/fault", "kernel/timer/list/List"]);
    let text = "use crate::{a::{b, c::D}, e as f};\nuse super::{g, h};\nif x == super::i {}";
    let all = ["a/b", "a/c/D", "e", "net/g", "net/h", "net/i"];
    assert_eq!(names("net/tcp", text), all);
    let text = "mod line;\npub(super) mod kind;\npub use line::Place;\nuse line::Line;\nlet x = kind::of();";
    assert_eq!(names("net/listener/mod", text), ["net/listener/line/Line", "net/listener/kind/of"]);
    assert_eq!(CORE.floor("kernel/timer/list/List"), CORE.floor("kernel/timer"));
    assert_eq!(CORE.floor("kernel/list/List"), CORE.floor("kernel/list"));
    assert_eq!(CORE.floor("kernel/lists"), None);
}

#[test]
fn a_file_without_a_line_of_its_own_is_noticed_and_so_is_one_that_names_what_is_above() {
    let complaints = |file: &str| CORE.complaints(file, "use super::list::List;\nuse crate::gate::poll_proceed;");
    assert_eq!(complaints("kernel/lists"), ["is not in the list"]);
    assert_eq!(complaints("kernel/timer/new"), ["is not in the list"]);
    assert_eq!(complaints("kernel/wake"), ["names gate/poll_proceed"]);
}

/// What is longer in the core, for a reason that `docs/architecture.md` has.
const LONG: [&str; 1] = ["kernel/nursery/drive"];

#[test]
fn files_are_short() {
    let page = read("docs/architecture.md").unwrap();
    let mut wrong = Vec::new();
    for (path, text) in sources("core/src") {
        let lines = text.lines().count();
        let file = path.trim_start_matches("core/src/").trim_end_matches(".rs");
        let is_known = LONG.contains(&file) && page.contains(&format!("`{file}`"));
        if !file.ends_with("/tests") && (lines > 600 || lines > 400 && !is_known) {
            wrong.push(format!("{path} has {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "at most 400 lines, in one file 600:\n{}", wrong.join("\n"));
}
