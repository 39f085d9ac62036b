//! The error of a program that did not end in its time.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::process::Output;
use std::time::Duration;

/// A program had not ended in its time, and was ended; or it had, but not its output, which something that it has started kept
/// open. With what it had said until then. It comes inside an [`io::Error`] of the kind [`TimedOut`](io::ErrorKind::TimedOut):
///
/// ```
/// use giambio::process::{OutOfTime, Spawn, output_within};
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// giambio::run(async {
///     let given = Duration::from_secs(1);
///     let error = output_within(given, Spawn::new("sh").args(["-c", "echo so far; exec sleep 1000"])).await.unwrap_err();
///     assert_eq!(error.kind(), ErrorKind::TimedOut);
///     let late = error.get_ref().and_then(|error| error.downcast_ref::<OutOfTime>()).unwrap();
///     assert_eq!((late.program(), late.given()), ("sh".as_ref(), given));
///     assert_eq!(late.output().stdout, b"so far\n");
/// });
/// ```
#[derive(Debug)]
pub struct OutOfTime {
    program: OsString,
    given: Duration,
    /// It had ended, and its output had not.
    had_ended: bool,
    output: Output,
}

impl OutOfTime {
    pub(super) fn error(program: OsString, given: Duration, had_ended: bool, output: Output) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, OutOfTime { program, given, had_ended, output })
    }

    /// The program, as it was asked for.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// How long it was given, without the grace after that.
    #[must_use]
    pub fn given(&self) -> Duration {
        self.given
    }

    /// What it had said when its time was over, and how it was ended.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }
}

impl fmt::Display for OutOfTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfTime { program, given, had_ended, output: Output { status, stdout, stderr } } = self;
        let program = program.display();
        match had_ended {
            false => write!(f, "`{program}` had not ended after {given:?}, and was ended ({status})")?,
            true => write!(
                f,
                "`{program}` had ended ({status}), but its output had not after {given:?}: something that it has started keeps it \
                 open, which would end with it in a group"
            )?,
        }
        write!(f, "; it had said {} bytes, and {} of complaints", stdout.len(), stderr.len())
    }
}

impl std::error::Error for OutOfTime {}
