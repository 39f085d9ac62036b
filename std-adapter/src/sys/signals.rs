//! How signals are numbered.

/// The lowest number: on Windows it is an event of the console.
pub(crate) const FIRST_SIGNAL: i32 = if cfg!(windows) { 0 } else { 1 };
