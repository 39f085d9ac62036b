//! How many signals are borne before one ends the process after all.

/// How many signals a watch bears. The next one ends the process, as if no one watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Each is reported like the first.
    Endless,
    /// So many are reported.
    For(u32),
}

impl Patience {
    /// Is it over, with one more after so many?
    pub(crate) fn is_over_after(self, before: u32) -> bool {
        matches!(self, Patience::For(most) if before >= most)
    }
}
