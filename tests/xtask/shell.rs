//! Runs commands where everyone can see them: each line printed can be pasted into a shell at the root of the repository.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file's text, by its path from the root.
pub(crate) fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))
}

/// Calls `look` with the path of each file below a folder, both from the root; what was built is no file of ours.
fn each_file(folder: &str, look: &mut impl FnMut(&str)) -> io::Result<()> {
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

/// The files below a folder whose paths end like that, in order.
pub(crate) fn files(folder: &str, end: &str) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    let mut look = |path: &str| files.extend(path.ends_with(end).then(|| path.to_owned()));
    each_file(folder, &mut look).map_err(|error| format!("{folder}: {error}"))?;
    files.sort();
    Ok(files)
}

/// Where `cargo` builds into; a kind of build that shares nothing with the others has a folder of its own in it.
pub(crate) fn target_folder(kind: &str) -> String {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    format!("{target}/{kind}")
}

/// Where `cargo` builds into if nobody says anything else.
pub(crate) const DEBUG: &str = "debug";

/// Whole runs build each thing once: what the compiler would keep for the next change, and debug information, cost time and
/// room.
static IS_LEAN: AtomicBool = AtomicBool::new(false);

/// From now on what is built is built to run once.
pub(crate) fn build_lean() {
    IS_LEAN.store(true, Relaxed);
}

thread_local! {
    static OUTPUT: RefCell<Option<File>> = const { RefCell::new(None) };
    static FOLDER: RefCell<&'static str> = const { RefCell::new(DEBUG) };
}

/// From now on, what this thread and the commands that it runs print goes to a file (`None`: where the program's goes), and
/// is built into a folder of its own.
pub(crate) fn begin(output: Option<File>, folder: &'static str) {
    OUTPUT.set(output);
    FOLDER.set(folder);
}

/// The room is given back that this kind of build took, of which a whole run needs much.
pub(crate) fn remove(kind: &str) {
    let _ = fs::remove_dir_all(root().join(target_folder(kind)));
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
    environment: Vec<(String, String)>,
    words: Vec<String>,
}

impl Shell {
    /// `line` is split at its spaces, but for those between quotes; it may begin with `NAME=value`.
    pub(crate) fn new(line: &str) -> Shell {
        let mut shell =
            Shell { environment: Vec::new(), words: Vec::new() }.in_folder(FOLDER.with_borrow(|kind| *kind));
        for word in split(line) {
            match word.split_once('=') {
                Some((name, value)) if shell.words.is_empty() => shell = shell.env(name, value),
                _ => shell.words.push(word),
            }
        }
        shell
    }

    /// One more word, which may hold spaces.
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Shell {
        self.words.push(word.as_ref().display().to_string());
        self
    }

    /// More words, split at their spaces.
    pub(crate) fn args(mut self, words: &str) -> Shell {
        self.words.extend(split(words));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Shell {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn envs<N: AsRef<str>, V: AsRef<str>>(self, all: impl IntoIterator<Item = (N, V)>) -> Shell {
        all.into_iter().fold(self, |shell, (name, value)| shell.env(name.as_ref(), value.as_ref()))
    }

    /// Builds into a folder of its own, so that builds with other flags do not take turns at throwing each other's away.
    /// Nobody edits and builds there again and again, for which the compiler would keep as much once more.
    pub(crate) fn in_folder(mut self, kind: &str) -> Shell {
        if kind != DEBUG {
            return self.env("CARGO_TARGET_DIR", &target_folder(kind)).env("CARGO_INCREMENTAL", "0");
        }
        self.environment.retain(|(name, _)| !["CARGO_TARGET_DIR", "CARGO_INCREMENTAL"].contains(&name.as_str()));
        if !IS_LEAN.load(Relaxed) {
            return self;
        }
        self.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0")
    }

    /// The same where addresses are chosen as always, if this kernel lets it.
    pub(crate) fn with_fixed_addresses(mut self) -> Shell {
        const FIXED: &str = "setarch --addr-no-randomize";
        if Shell::new(FIXED).arg("true").output().is_some() {
            self.words.splice(0..0, split(FIXED));
        }
        self
    }

    /// The command itself, for those who look at its output while it runs.
    pub(crate) fn command(&self) -> Command {
        let (program, words) = self.words.split_first().expect("a command has a program");
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
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// As it can be pasted.
    fn shown(&self) -> String {
        let quoted = |text: &str| if text.contains(' ') { format!("'{text}'") } else { text.to_owned() };
        let environment = self.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        environment.chain(self.words.iter().map(|word| quoted(word))).collect::<Vec<_>>().join(" ")
    }

    /// Runs it, its output going where ours goes.
    ///
    /// # Errors
    /// It could not be started, or did not succeed.
    pub(crate) fn run(self) -> Result<(), String> {
        say(&format!("$ {}", self.shown()));
        let say = |error| format!("{error}: {}", self.shown());
        let mut command = self.command();
        let file = OUTPUT.with_borrow(|output| output.as_ref().map(|file| (file.try_clone(), file.try_clone())));
        if let Some((stdout, stderr)) = file {
            command.stdout(stdout.map_err(say)?).stderr(stderr.map_err(say)?);
        }
        let status = command.status().map_err(say)?;
        if status.success() { Ok(()) } else { Err(format!("{status}: {}", self.shown())) }
    }

    /// Runs what must not succeed; returns what it wrote to standard error.
    ///
    /// # Errors
    /// It could not be started, or succeeded.
    pub(crate) fn fails_with(self) -> Result<String, String> {
        let output = self.ended(" # fails")?;
        if output.status.success() {
            return Err(format!("succeeded, and must not: {}", self.shown()));
        }
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs it; returns what it wrote to standard output.
    ///
    /// # Errors
    /// It could not be started, or did not succeed: what it wrote to standard error.
    pub(crate) fn said(self) -> Result<String, String> {
        let output = self.ended("")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(format!("{}: {}\n{}", output.status, self.shown(), String::from_utf8_lossy(&output.stderr)))
    }

    /// Runs it; returns what it wrote, and how it ended.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn ended(&self, remark: &str) -> Result<Output, String> {
        say(&format!("$ {}{remark}", self.shown()));
        self.command().output().map_err(|error| format!("{error}: {}", self.shown()))
    }

    /// Runs it in silence. `None`: it could not be started, or did not succeed.
    pub(crate) fn output(self) -> Option<String> {
        // What stays in the background, as Wine's server, keeps its standard error open.
        let output = self.command().stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The words of a line: what stands between quotes keeps its spaces.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            letter => words.last_mut().expect("there is always one").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::Shell;

    #[test]
    fn what_is_shown_is_what_runs() {
        let line = "A='b c' cargo test --x=y z";
        assert_eq!(Shell::new(line).shown(), line);
        assert_eq!(
            Shell::new("cargo  test").env("A", "b").in_folder("lints").in_folder("debug").shown(),
            "A=b cargo test"
        );
    }
}
