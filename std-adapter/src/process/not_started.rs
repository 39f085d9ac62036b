//! The error of a program that can't be started.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::system;

/// A program was not started. It comes inside an [`io::Error`] of the kind of the system's own:
///
/// ```
/// use giambio::process::{NotStarted, Spawn, status};
/// use std::io::ErrorKind;
///
/// giambio::run(async {
///     let error = status(Spawn::new("/no/such/program")).await.unwrap_err();
///     assert_eq!(error.kind(), ErrorKind::NotFound);
///     let inside = error.get_ref().and_then(|error| error.downcast_ref::<NotStarted>()).unwrap();
///     assert_eq!(inside.program(), "/no/such/program");
/// });
/// ```
#[derive(Debug)]
pub struct NotStarted {
    program: PathBuf,
    cause: Cause,
    error: io::Error,
}

/// What may be done about it.
#[derive(Debug)]
enum Cause {
    /// The directory to start it in is not there.
    Directory(PathBuf),
    NoSuchProgram,
    NotExecutable,
    NoProgram,
    TooManyProcesses,
    /// Somebody has it open for writing.
    Busy,
    Other,
}

impl NotStarted {
    pub(super) fn error(command: &Command, error: io::Error) -> io::Error {
        let missing = |directory: &&Path| !directory.is_dir();
        let cause = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                let directory = command.get_current_dir().filter(missing);
                directory.map_or(Cause::NoSuchProgram, |directory| Cause::Directory(directory.into()))
            }
            io::ErrorKind::PermissionDenied => Cause::NotExecutable,
            io::ErrorKind::ExecutableFileBusy => Cause::Busy,
            _ if system::is_no_program(&error) => Cause::NoProgram,
            _ if system::is_too_many(&error) => Cause::TooManyProcesses,
            _ => Cause::Other,
        };
        let kind = match cause {
            // "Would block" says something else.
            Cause::TooManyProcesses => io::ErrorKind::QuotaExceeded,
            _ => error.kind(),
        };
        io::Error::new(kind, NotStarted { program: command.get_program().into(), cause, error })
    }

    /// The program, as it was asked for.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        self.program.as_os_str()
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotStarted { program, cause, error } = self;
        write!(f, "`{}` was not started: {error}", program.display())?;
        match cause {
            Cause::Directory(directory) => {
                write!(f, "; it was to start in `{}`, which is not there", directory.display())
            }
            Cause::NoSuchProgram => f.write_str(system::NO_SUCH_PROGRAM),
            Cause::NotExecutable => f.write_str(system::NOT_EXECUTABLE),
            Cause::NoProgram => f.write_str(system::NO_PROGRAM),
            Cause::TooManyProcesses => f.write_str("; this user has as many processes as the system allows"),
            Cause::Busy => f.write_str("; somebody has it open for writing, this program or one that it has started"),
            Cause::Other => Ok(()),
        }
    }
}

impl std::error::Error for NotStarted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
