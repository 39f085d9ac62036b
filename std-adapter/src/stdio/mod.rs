//! The standard streams: [`stdin()`], [`stdout()`], [`stderr()`].
//!
//! They may be terminals, files, pipes, and belong to other processes as well. So their mode is never changed, and threads read
//! and write them: one that reads when somebody wants to know, one for each that is written. A program ends while these threads
//! wait.

mod input;
mod output;
mod system;

#[allow(unused_imports, reason = "streams use it")]
pub(crate) use input::Place;
pub use input::{Stdin, stdin};
pub use output::{Output, stderr, stdout};
