//! The error of a run that Ctrl+C or a signal ended.

use std::fmt;
use std::io;

/// Ctrl+C, or the second signal that asks a program to end, ended the run, after everything in it was unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted by Ctrl+C or another signal")
    }
}

impl std::error::Error for Interrupted {}

/// Of the kind [`Other`](io::ErrorKind::Other), with the error kept inside. Not of the kind that has its name: who reads
/// or writes in a loop takes that for "try again".
impl From<Interrupted> for io::Error {
    fn from(error: Interrupted) -> Self {
        io::Error::other(error)
    }
}
