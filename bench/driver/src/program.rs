//! Runs one program of the benchmarks, on a CPU of its own, and reads what it prints.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::build::built;
use crate::machine::{allowed, has_perf};
use crate::numbers::Numbers;

/// Ahead of what else runs on the machine, where that is permitted.
const PRIORITY: i32 = -10;
/// A program ends with this when it has no such benchmark (`bench_common::LACKS`).
const LACKS: i32 = 3;

/// About to be run.
pub(crate) struct Program {
    command: Command,
    cpu: Option<usize>,
}

impl Program {
    /// One that was built here.
    pub(crate) fn new(name: &str) -> Program {
        Program::other(built(name))
    }

    /// One of the system's.
    pub(crate) fn other(program: impl AsRef<OsStr>) -> Program {
        Program { command: Command::new(program), cpu: None }
    }

    /// An argument; the empty one is none.
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Program {
        if !word.as_ref().is_empty() {
            self.command.arg(word);
        }
        self
    }

    /// On this CPU and no other.
    pub(crate) fn on(mut self, cpu: usize) -> Program {
        self.cpu = Some(cpu);
        self
    }

    /// On any CPU.
    pub(crate) fn on_all(mut self) -> Program {
        self.cpu = None;
        self
    }

    /// Ends itself after so many seconds.
    pub(crate) fn life(mut self, seconds: u32) -> Program {
        self.command.env("BENCH_LIFE", seconds.to_string());
        self
    }

    /// Counts what it allocates.
    pub(crate) fn counting_allocations(mut self) -> Program {
        self.command.env("LD_PRELOAD", built("liballoc_count.so"));
        self
    }

    /// The same under valgrind, which counts instructions into a file.
    pub(crate) fn counting_instructions(self, from_start: bool, into: &Scratch) -> Program {
        let valgrind = Program::other("valgrind")
            .arg("-q")
            .arg("--tool=callgrind")
            .arg(format!("--collect-atstart={}", if from_start { "yes" } else { "no" }))
            .arg(format!("--callgrind-out-file={}", into.0.display()));
        self.within(valgrind)
    }

    /// The same under perf, or strace where perf may not, which count system calls into a file.
    pub(crate) fn counting_system_calls(self, into: &Scratch) -> Program {
        let counter = match has_perf() {
            true => Program::other("perf").arg("stat").arg("-x,").arg("-e").arg("raw_syscalls:sys_enter"),
            false => Program::other("strace").arg("-f").arg("-c"),
        };
        self.within(counter.arg("-o").arg(&into.0))
    }

    /// The same, started by another program.
    pub(crate) fn within(self, outer: Program) -> Program {
        let mut outer = outer.arg(self.command.get_program());
        outer.command.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                outer.command.env(name, value);
            }
        }
        outer.cpu = self.cpu;
        outer
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Result<Child, String> {
        // Children inherit what this thread is confined to, and how urgent the process is.
        let confine = |cpus: &[usize]| {
            let mut set = CpuSet::new();
            cpus.iter().for_each(|cpu| set.set(*cpu));
            sched_setaffinity(None, &set).map_err(|error| format!("CPUs {cpus:?}: {error}"))
        };
        let _ = setpriority_process(None, PRIORITY);
        if let Some(cpu) = self.cpu {
            confine(&[cpu])?;
        }
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.command.spawn();
        confine(&allowed())?;
        child.map_err(|error| format!("{}: {error}", self.command.get_program().display()))
    }

    /// Runs it to its end. `None`: it has no such benchmark.
    pub(crate) fn run(self) -> Result<Option<Numbers>, String> {
        let shown = format!("{:?}", self.command);
        let output = self.start()?.wait_with_output().map_err(|error| format!("{shown}: {error}"))?;
        match output.status.code() {
            Some(0) => Ok(Some(Numbers::read(&String::from_utf8_lossy(&output.stdout)))),
            Some(LACKS) => Ok(None),
            _ => {
                let error = String::from_utf8_lossy(&output.stderr);
                let end: String = error.lines().take(3).collect::<Vec<_>>().join(" / ");
                Err(format!("{shown}: {}: {end}", output.status))
            }
        }
    }
}

/// A file for a program to write into, gone when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("giambio-bench-{}-{name}", std::process::id())))
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap_or_default()
    }

    /// The system calls that perf or strace has counted into it.
    pub(crate) fn system_calls(&self) -> Result<f64, String> {
        let of_perf = |line: &str| line.split(',').next()?.parse().ok();
        let of_strace = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words.last() == Some(&"total")).then(|| words.get(3)?.parse().ok())?
        };
        let text = self.text();
        let count = text.lines().find_map(|line| if has_perf() { of_perf(line) } else { of_strace(line) });
        count.ok_or_else(|| "the tool has counted nothing".to_owned())
    }

    /// The instructions that callgrind has counted into it.
    pub(crate) fn instructions(&self) -> f64 {
        let count = |line: &str| {
            let (name, count) = line.split_once(": ")?;
            (name == "summary" || name == "totals").then(|| count.trim().parse::<f64>().ok())?
        };
        self.text().lines().filter_map(count).fold(0.0, f64::max)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
