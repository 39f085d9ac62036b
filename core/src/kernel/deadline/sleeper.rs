//! Who sleeps until a deadline, for the debugger; without feature `hooks` there is none, and nothing is kept.

use crate::kernel::clock::Current;

#[cfg(feature = "hooks")]
mod imp {
    use core::cell::Cell;

    use super::Current;
    use crate::debugger::Event;
    use crate::kernel::context::with;
    use crate::kernel::debugger_slot::Who;
    use crate::kernel::emit;

    /// Who sleeps, and since when.
    pub(crate) struct Sleeper(Cell<Option<(Who, u64)>>);

    impl Sleeper {
        pub(crate) const fn new() -> Self {
            Sleeper(Cell::new(None))
        }

        /// The current task begins to sleep.
        pub(crate) fn begins(&self, clock: &Current, now: u64, until: u64) {
            if let Some(who) = emit::sleep_begins(|| clock.instant(until) - clock.instant(now))
                && until > now
            {
                with(|_| self.0.set(Some((who, now))));
            }
        }

        /// It is woken.
        pub(crate) fn wakes(&self) -> Slept {
            Slept(self.0.take())
        }
    }

    /// Who slept, and since when.
    pub(crate) struct Slept(Option<(Who, u64)>);

    impl Slept {
        pub(crate) const NOBODY: Slept = Slept(None);

        /// Tells the debugger.
        pub(crate) fn tell(self, clock: &Current, now: u64) {
            let Some((task, since)) = self.0 else { return };
            let span = clock.instant(now) - clock.instant(since);
            if emit::tells_wakes() {
                task.tell_that_time_is_over();
            }
            emit::tell_of(&task.told(), |task| Event::AfterSleep(task, span));
        }
    }
}

#[cfg(not(feature = "hooks"))]
mod imp {
    use super::Current;

    pub(crate) struct Sleeper;

    impl Sleeper {
        pub(crate) const fn new() -> Self {
            Sleeper
        }

        pub(crate) fn begins(&self, _: &Current, _: u64, _: u64) {}

        pub(crate) fn wakes(&self) -> Slept {
            Slept
        }
    }

    pub(crate) struct Slept;

    impl Slept {
        pub(crate) const NOBODY: Slept = Slept;

        pub(crate) fn tell(self, _: &Current, _: u64) {}
    }
}

pub(super) use imp::{Sleeper, Slept};
