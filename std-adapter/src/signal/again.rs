//! What a second Ctrl+C does.

/// What a second Ctrl+C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It is reported like the first.
    Report,
    /// It ends the process, as if no one watched.
    Kill,
}
