//! What to start, and how it is to end.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[cfg(unix)]
use unix::Settings;
#[cfg(windows)]
use windows::Settings;

/// How long a program has to end after it was asked to, unless told otherwise.
const GRACE: Duration = Duration::from_secs(5);

/// A program to start: a [`Command`], and how it is to end.
///
/// ```
/// use giambio::process::{Spawn, status};
/// use std::process::{Command, Stdio};
/// use std::time::Duration;
///
/// giambio::run(async {
///     assert!(status(Spawn::new("true")).await?.success());
///     let mut command = Command::new("sh");
///     command.args(["-c", "test $WORD = hello"]).env("WORD", "hello");
///     let spawn = Spawn::from(command).grace(Duration::from_millis(500)).group(true);
///     let spawn = spawn.current_dir("/").stdin(Stdio::null()).stderr(Stdio::inherit());
///     assert!(status(spawn).await?.success());
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is started until `run_in`, `status` or `output` gets this"]
pub struct Spawn {
    pub(super) command: Command,
    pub(super) grace: Duration,
    pub(super) group: bool,
    pub(super) output_limit: usize,
    /// Were standard input, output and error chosen here?
    chosen: [bool; 3],
    pub(super) settings: Settings,
}

impl Spawn {
    /// `program`, by its path, or by its name if it is in one of the directories of `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Spawn {
        Spawn::from(Command::new(program))
    }

    /// One more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Spawn {
        self.command.arg(argument);
        self
    }

    /// More arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Spawn {
        self.command.args(arguments);
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Spawn {
        self.command.env(name, value);
        self
    }

    /// The directory that it starts in.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Spawn {
        self.command.current_dir(directory);
        self
    }

    /// Where it reads from: what this program does, unless told otherwise.
    ///
    /// With [`Stdio::piped`] the other end is [`Child::stdin`](super::Child::stdin). An end of a [`pipe`](std::io::pipe) goes
    /// in as it is: so one program's output is another's input.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Spawn {
        self.command.stdin(stdin);
        self.chosen[0] = true;
        self
    }

    /// Where its output goes: to where this program's does, unless told otherwise.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Spawn {
        self.command.stdout(stdout);
        self.chosen[1] = true;
        self
    }

    /// Where its complaints go: to where this program's do, unless told otherwise.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Spawn {
        self.command.stderr(stderr);
        self.chosen[2] = true;
        self
    }

    /// How long it has to end after it was asked to, until it is killed; 5 s unless told otherwise. With zero it is killed at
    /// once, and not asked.
    ///
    /// On Unix it begins with the signals blocked that the thread has blocked which starts it, and ignored that this process
    /// ignores: one that does not hear SIGTERM for that reason is killed after its grace.
    pub fn grace(self, grace: Duration) -> Spawn {
        Spawn { grace, ..self }
    }

    /// How many bytes it may say, on standard output and on standard error each, to those who keep all of it:
    /// [`output`](super::output()), [`output_within`](super::output_within()), [`communicate`](super::Child::communicate).
    /// There is no limit unless it is told: a program that never stops talking fills the memory.
    ///
    /// ```
    /// use giambio::process::{Spawn, output};
    /// use std::io::ErrorKind;
    ///
    /// # giambio::run(async {
    /// assert_eq!(output(Spawn::new("echo").arg("yes").output_limit(4)).await?.stdout, b"yes\n");
    /// let error = output(Spawn::new("yes").output_limit(1000)).await.unwrap_err(); // and it has ended
    /// assert_eq!(error.kind(), ErrorKind::InvalidData);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn output_limit(self, bytes: usize) -> Spawn {
        Spawn { output_limit: bytes, ..self }
    }

    /// Has what it starts end with it. On Unix it gets a process group of its own, to which all signals go; on Windows a job.
    /// What is left of that is killed when the program itself has ended: programs that it started don't outlive it, unless
    /// they go to other groups.
    ///
    /// The keys of a terminal, Ctrl+C too, no longer reach the group, and on Unix it can't read from the terminal.
    pub fn group(mut self, group: bool) -> Spawn {
        self.group = group;
        self
    }

    /// The command, for whatever else it can do. Its group is settled by [`group`](Spawn::group).
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// With pipes for the output and no input, where nothing else was chosen.
    pub(super) fn captured(mut self) -> Spawn {
        let [stdin, stdout, stderr] = self.chosen;
        if !stdin {
            self.command.stdin(Stdio::null());
        }
        if !stdout {
            self.command.stdout(Stdio::piped());
        }
        if !stderr {
            self.command.stderr(Stdio::piped());
        }
        self
    }

    /// Ready to be started.
    pub(super) fn settled(&mut self) -> &mut Command {
        self.settings.settle(&mut self.command, self.group);
        &mut self.command
    }
}

impl From<Command> for Spawn {
    fn from(command: Command) -> Spawn {
        let (group, output_limit, chosen) = (false, usize::MAX, [false; 3]);
        Spawn { command, grace: GRACE, group, output_limit, chosen, settings: Settings::default() }
    }
}
