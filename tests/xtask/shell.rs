//! Runs commands where everyone can see them: each line printed can be pasted into a shell at the root of the repository.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where `cargo` builds into; a kind of build that shares nothing with the others has a folder of its own in it.
pub(crate) fn target_folder(kind: &str) -> String {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    format!("{target}/{kind}")
}

/// Does `done_with` keep what was built?
static KEEPS: AtomicBool = AtomicBool::new(false);

/// Who runs a single step runs it again.
pub(crate) fn keep_what_is_built() {
    KEEPS.store(true, Ordering::Relaxed);
}

/// After the last step that builds into this folder: the room is given back, of which a whole run needs much.
pub(crate) fn done_with(kind: &str) {
    if !KEEPS.load(Ordering::Relaxed) {
        let _ = std::fs::remove_dir_all(root().join(target_folder(kind)));
    }
}

thread_local!(static OUTPUT: RefCell<Option<File>> = const { RefCell::new(None) });

/// From now on, what this thread and the commands that it runs print goes to a file; `None`: where the program's goes.
pub(crate) fn print_to(file: Option<File>) {
    OUTPUT.set(file);
}

/// Prints a line where all of this thread's output goes.
pub(crate) fn say(line: &str) {
    OUTPUT.with_borrow_mut(|output| {
        let said = match output {
            Some(file) => writeln!(file, "{line}"),
            // Before those that a command prints.
            None => writeln!(stdout(), "{line}").and_then(|()| stdout().flush()),
        };
        said.expect("output goes somewhere");
    });
}

/// A command that is about to run at the root.
pub(crate) struct Shell {
    command: Command,
    shown: String,
}

impl Shell {
    /// `line` is split at its spaces.
    pub(crate) fn new(line: &str) -> Shell {
        let mut words = line.split_whitespace();
        let program = words.next().expect("a command has a program");
        let mut command = Command::new(program);
        command.args(words).current_dir(root()).stdin(Stdio::null());
        // `cargo run` tells us about its own toolchain and this package, which is nothing to what we start.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let of_our_package =
                ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start));
            if of_our_package || name == "CARGO" || name == "LD_LIBRARY_PATH" {
                command.env_remove(&*name);
            }
        }
        Shell { command, shown: line.to_owned() }
    }

    /// One more word, which may hold spaces.
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Shell {
        self.shown = format!("{} {}", self.shown, word.as_ref().display());
        self.command.arg(word);
        self
    }

    /// More words, split at their spaces.
    pub(crate) fn args(self, words: &str) -> Shell {
        words.split_whitespace().fold(self, Shell::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Shell {
        let quote = if value.contains(' ') { "'" } else { "" };
        self.shown = format!("{name}={quote}{value}{quote} {}", self.shown);
        self.command.env(name, value);
        self
    }

    /// Builds into a folder of its own, so that builds with other flags do not take turns at throwing each other's away.
    /// Nobody edits and builds there again and again, for which the compiler would keep as much once more.
    pub(crate) fn own_target(self, kind: &str) -> Shell {
        self.env("CARGO_TARGET_DIR", &target_folder(kind)).env("CARGO_INCREMENTAL", "0")
    }

    /// Runs it, its output going where ours goes.
    ///
    /// # Errors
    /// It could not be started, or did not succeed.
    pub(crate) fn run(mut self) -> Result<(), String> {
        say(&format!("$ {}", self.shown));
        let file = OUTPUT.with_borrow(|output| output.as_ref().map(|file| (file.try_clone(), file.try_clone())));
        if let Some((stdout, stderr)) = file {
            let say = |error| format!("{error}: {}", self.shown);
            self.command.stdout(stdout.map_err(say)?).stderr(stderr.map_err(say)?);
        }
        match self.command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{status}: {}", self.shown)),
            Err(error) => Err(format!("{error}: {}", self.shown)),
        }
    }

    /// The command itself, for those who look at its output while it runs.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Runs what must not succeed; returns what it wrote to standard error.
    ///
    /// # Errors
    /// It could not be started, or succeeded.
    pub(crate) fn fails_with(mut self) -> Result<String, String> {
        say(&format!("$ {} # fails", self.shown));
        match self.command.output() {
            Ok(output) if output.status.success() => Err(format!("succeeded, and must not: {}", self.shown)),
            Ok(output) => Ok(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("{error}: {}", self.shown)),
        }
    }

    /// Runs it; returns what it wrote to standard output.
    ///
    /// # Errors
    /// It could not be started, or did not succeed: what it wrote to standard error.
    pub(crate) fn said(mut self) -> Result<String, String> {
        say(&format!("$ {}", self.shown));
        match self.command.output() {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Ok(output) => {
                Err(format!("{}: {}\n{}", output.status, self.shown, String::from_utf8_lossy(&output.stderr)))
            }
            Err(error) => Err(format!("{error}: {}", self.shown)),
        }
    }

    /// Runs it in silence. `None`: it could not be started, or did not succeed.
    pub(crate) fn output(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
