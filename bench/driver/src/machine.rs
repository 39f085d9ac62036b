//! What the machine is, and whether it has what the benchmarks need.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity};

use crate::build::root;
use crate::peers::{OURS, Peers};

/// The CPU for the clients, and the one for what is measured.
pub(crate) fn cpus() -> (usize, usize) {
    static CPUS: OnceLock<(usize, usize)> = OnceLock::new();
    *CPUS.get_or_init(|| match allowed().as_slice() {
        [load, measured, ..] => (*load, *measured),
        _ => unreachable!("`check` has been here"),
    })
}

/// The CPUs that this process may use, before it confines itself to one.
pub(crate) fn allowed() -> Vec<usize> {
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    let ask = || {
        let set = sched_getaffinity(None).unwrap_or_default();
        (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
    };
    ALLOWED.get_or_init(ask).clone()
}

/// # Errors
/// The text says what to do.
pub(crate) fn check() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("the benchmarks are for Linux: they count with its means".to_owned());
    }
    if allowed().len() < 2 {
        return Err("the benchmarks need two CPUs: one for the clients, one for the server".to_owned());
    }
    if output("valgrind", &["--version"]).is_empty() {
        return Err("valgrind is missing: it counts instructions. Debian, Ubuntu: apt-get install valgrind".to_owned());
    }
    if !has_perf() && output("strace", &["--version"]).is_empty() {
        return Err(
            "perf or strace is needed: they count system calls. Debian, Ubuntu: apt-get install strace".to_owned()
        );
    }
    Ok(())
}

/// Does perf count system calls here?
pub(crate) fn has_perf() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        let perf = Command::new("perf").args(["stat", "-e", "raw_syscalls:sys_enter", "true"]).output();
        perf.is_ok_and(|output| output.status.success())
    })
}

/// Everything that the numbers depend on, in a line, as it was at first.
pub(crate) fn machine() -> String {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(described).clone()
}

fn described() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let (model, kernel) = (model.map_or("unknown CPU", |(_, model)| model), output("uname", &["-sr"]));
    let is_changed = !output("git", &["status", "--porcelain", "../core", "../std-adapter"]).is_empty();
    let commit = match output("git", &["rev-parse", "--short", "HEAD"]) {
        commit if commit.is_empty() => String::new(),
        commit => format!(", giambio at {commit}{}", if is_changed { " and changed since" } else { "" }),
    };
    let rustc = output("rustc", &["--version"]);
    let rustc = rustc.split(" (").next().unwrap_or_default();
    let tool = if has_perf() { output("perf", &["--version"]) } else { "strace".to_owned() };
    format!("{count} x {model}, {kernel}, {rustc}, {}, {tool}{commit}", output("valgrind", &["--version"]))
}

/// The versions of the crates that the peers are made of.
pub(crate) fn versions(peers: &Peers) -> String {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    let version = |name: &str| {
        // Of several versions the newest, which is the last.
        let rest = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?.1;
        rest.split_once('"').map(|(version, _)| version)
    };
    let mut all: Vec<String> = Vec::new();
    for name in peers.iter().filter(|peer| peer.name != OURS).flat_map(|peer| peer.crates) {
        let text = format!("{name} {}", version(name).unwrap_or("?"));
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}

/// What a command prints; nothing if it does not run.
fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(root()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
