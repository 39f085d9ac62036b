//! Other systems: builds giambio for them, and runs what was built where an emulator or this kernel can.

use std::path::Path;

use crate::machine::{self, Compiler, DEBIANS_COMPILER, DEBIANS_PACKAGES, Source, Tool};
use crate::shell::{self, DEBUG, Shell, root, target_folder};
use crate::steps::{FOREIGN, Outcome};

/// How programs for a target are linked and started here.
pub(crate) struct Foreign {
    pub(crate) target: &'static str,
    pub(crate) linker: &'static str,
    pub(crate) rustflags: &'static str,
    /// What starts its programs; `None`: this kernel does.
    pub(crate) runner: Option<&'static str>,
    /// Its programs need addresses that this kernel gives to others now and then, where it chooses them at random.
    pub(crate) needs_fixed_addresses: bool,
    /// What must be here beside compiler, linker and runner.
    pub(crate) files: &'static [&'static str],
    /// What its programs are compiled with,
    pub(crate) compiler: Tool,
    /// and all the rest.
    pub(crate) tools: Tool,
    /// What is tested with numbers that are too large for an emulator, and tells nothing about the system.
    pub(crate) left_out: &'static str,
    /// Brings it up; returns what the environment of its programs must be.
    pub(crate) prepare: fn() -> Result<Environment, String>,
}

/// How many random programs each test makes.
pub(crate) const PROGRAMS: &str = "GIAMBIO_PROGRAMS";

/// Variables and their values.
pub(crate) type Environment = Vec<(&'static str, String)>;

const NOTHING: Tool = Tool { name: "", is_here: || true, from: Source::Elsewhere("") };

/// What builds the standard library for a target, unless rustup has brought it.
pub(crate) const fn compiler(name: &'static str, is_here: fn() -> bool) -> Tool {
    Tool { name, is_here, from: DEBIANS_PACKAGES }
}

impl Foreign {
    /// Runs without help.
    pub(crate) const PLAIN: Foreign = Foreign {
        target: "",
        linker: "",
        rustflags: "",
        runner: None,
        needs_fixed_addresses: false,
        files: &[],
        compiler: NOTHING,
        tools: NOTHING,
        left_out: "",
        prepare: || Ok(Vec::new()),
    };

    /// The tests of the adapter, then the whole programs under the same tests as on this system.
    pub(crate) fn check(&self) -> Outcome {
        self.with(|there| there.adapter())
    }

    /// The core's tests, of which few can tell anything about the system.
    pub(crate) fn check_core(&self) -> Outcome {
        self.with(|there| there.core())
    }

    pub(crate) fn check_both(&self) -> Outcome {
        self.with(|there| {
            let core = there.core();
            there.adapter().and(core)
        })
    }

    fn with(&self, check: impl FnOnce(&There<'_>) -> Outcome) -> Outcome {
        let compiler = machine::compiler_for(&[self.target]).ok_or("there is no compiler for it")?;
        check(&There { system: self, compiler, environment: (self.prepare)()? })?;
        // No other step builds for this target.
        shell::remove(&format!("{FOREIGN}/{}", self.target));
        Ok(())
    }

    /// Are linker, runner and files here?
    pub(crate) fn is_complete(&self) -> bool {
        let mut programs = [Some(self.linker), self.runner].into_iter().flatten();
        programs.all(|program| Shell::new(program).arg("--version").output().is_some())
            && self.files.iter().all(|file| Path::new(file).exists())
    }

    /// As cargo wants it in the names of variables.
    fn shouted(&self) -> String {
        self.target.to_uppercase().replace('-', "_")
    }
}

/// A system that is up, and what builds for it.
struct There<'a> {
    system: &'a Foreign,
    compiler: Compiler,
    environment: Environment,
}

impl There<'_> {
    fn core(&self) -> Outcome {
        self.tests("cargo test -p giambio-core --lib --tests")
    }

    fn adapter(&self) -> Outcome {
        // The same packages in both commands, or cargo would choose other features and build their dependencies twice.
        let packages = "-p giambio -p giambio-examples";
        self.tests(&format!("cargo test {packages} --lib --tests"))?;
        self.cargo(&format!("cargo build {packages} --examples")).run()?;

        // As the step "workspace" builds them, so that nothing is built again.
        let scenarios = "cargo test --workspace --exclude giambio-compile-fail";
        let scenarios = Shell::new(scenarios).args("--test echo_clients --test echo_ends --test examples");
        let examples = root().join(target_folder(FOREIGN)).join(self.system.target).join("debug/examples");
        let scenarios = scenarios.in_folder(DEBUG).env("GIAMBIO_EXAMPLES", &examples.display().to_string());
        let runner = self.system.runner.map(|runner| ("GIAMBIO_RUNNER", runner));
        self.run(scenarios.envs(runner))
    }

    fn tests(&self, line: &str) -> Outcome {
        let Foreign { target, runner, left_out, .. } = *self.system;
        // Random programs by the thousand are the work of other steps, and tell nothing about the system.
        // What takes an hour tells of all that fails.
        let mut tests = self.cargo(line).arg("--no-fail-fast").env(PROGRAMS, "250");
        if let Some(runner) = runner {
            tests = tests.env(&format!("CARGO_TARGET_{}_RUNNER", self.system.shouted()), runner);
            // A test that starts itself once more needs no runner in Wine, which is a system of its own.
            if !target.contains("windows") {
                tests = tests.env("GIAMBIO_RUNNER", runner);
            }
        }
        if !left_out.is_empty() {
            tests = tests.args("--").args(left_out);
        }
        self.run(tests)
    }

    /// Runs what starts its programs.
    fn run(&self, tests: Shell) -> Outcome {
        let tests = tests.envs(self.environment.clone());
        if self.system.needs_fixed_addresses { tests.with_fixed_addresses().run() } else { tests.run() }
    }

    fn cargo(&self, line: &str) -> Shell {
        let Foreign { target, linker, rustflags, .. } = *self.system;
        let variable = |name| format!("CARGO_TARGET_{}_{name}", self.system.shouted());
        let cargo = cargo_for(self.compiler, line, &[target]).env("CARGO_PROFILE_DEV_DEBUG", "0");
        let cargo = cargo.env(&variable("LINKER"), linker);
        if rustflags.is_empty() { cargo } else { cargo.env(&variable("RUSTFLAGS"), rustflags) }
    }
}

/// Type-checks what `line` says for these targets. Cargo would compile the standard library to the end even for that.
pub(crate) fn check_for(compiler: Compiler, line: &str, targets: &[&str]) -> Shell {
    let check = cargo_for(compiler, &format!("cargo check --quiet {line}"), targets);
    match compiler {
        Compiler::Targets => check,
        Compiler::FromSources => check.env("RUSTFLAGS", "-Zno-codegen"),
    }
}

/// `line` for these targets, the standard library being built on the way if need be.
pub(crate) fn cargo_for(compiler: Compiler, line: &str, targets: &[&str]) -> Shell {
    let mut cargo = Shell::new(line);
    for target in targets {
        cargo = cargo.arg("--target").arg(target);
    }
    if let Compiler::FromSources = compiler {
        cargo = cargo
            .arg("-Zbuild-std=std,panic_unwind,test")
            .arg("-Zbuild-std-features=panic-unwind") // what reads debug information for backtraces takes a third of the time
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", DEBIANS_COMPILER);
    }
    cargo
}
