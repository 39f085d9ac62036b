//! How long a wait may last.

use std::time::Duration;

/// How long a wait may last.
#[derive(Clone, Copy)]
pub(crate) enum Limit<'a> {
    /// Not at all.
    Now,
    /// Until an event.
    Never,
    /// Until an event, or `left()` from now. `moment` names the same deadline so that it can be compared with others of
    /// the same loop without reading a clock, if that is steady: if it goes as the system's own. `left` is called only if
    /// the system may have to be told.
    #[allow(dead_code, reason = "not every system has a use for all")]
    At { moment: u64, is_steady: bool, left: &'a dyn Fn() -> Duration },
}
