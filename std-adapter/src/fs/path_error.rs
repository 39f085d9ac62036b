//! What was to be done to which path.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be done to a path. It is inside of the `io::Error`s of [`fs`](crate::fs), which are of the kind of
/// the system's error:
///
/// ```
/// use giambio::fs::{PathError, read};
/// use std::io::ErrorKind;
///
/// # giambio::run(async {
/// let error = read("no/such/file").await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<PathError>()).unwrap();
/// assert_eq!(inside.path().to_str(), Some("no/such/file"));
/// assert!(error.to_string().starts_with("can't open \"no/such/file\": "));
/// # });
/// ```
#[derive(Debug)]
pub struct PathError {
    what: &'static str,
    path: PathBuf,
    other: Option<PathBuf>,
    error: io::Error,
}

impl PathError {
    /// What was to be done: `"open"`, `"write"`, …
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// To which path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Of what takes two: to which name it should be renamed, or where the link should lead.
    pub fn other_path(&self) -> Option<&Path> {
        self.other.as_deref()
    }

    /// The system's number for the error, if it is one of the system's.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.error.raw_os_error()
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted, with what is no text escaped: a name may have any bytes, also those that end a line.
        write!(f, "can't {} {:?}", self.what, self.path)?;
        if let Some(other) = &self.other {
            write!(f, " to {other:?}")?;
        }
        write!(f, ": {}", self.error)
    }
}

impl Error for PathError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Says in an error what was to be done to which path. One that says so already stays.
pub(super) fn named(what: &'static str, path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| match error.get_ref() {
        Some(inside) if inside.is::<PathError>() => error,
        _ => said(what, path, None, error),
    }
}

/// The same of a call with two paths.
pub(super) fn named_to(what: &'static str, path: &Path, other: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| said(what, path, Some(other), error)
}

fn said(what: &'static str, path: &Path, other: Option<&Path>, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), PathError { what, path: path.to_owned(), other: other.map(Path::to_owned), error })
}
