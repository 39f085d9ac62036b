//! The events of a Windows console, by names.

use super::{Set, Signal, signals};

signals! {
    INT = 0, "Ctrl+C", "Ctrl+C.";
    BREAK = 1, "Ctrl+Break", "Ctrl+Break; what is sent to another group of processes.";
    CLOSE = 2, "close", "The console is closed. The system gives the program some seconds, then ends it.";
    SHUTDOWN = 6, "shutdown", "The system goes down. It gives the program some seconds, then ends it.";
}

impl Set {
    pub(crate) fn has(self, signal: Signal) -> bool {
        Set::bit(signal).is_some_and(|bit| self.0 & bit != 0)
    }

    pub(crate) fn insert(&mut self, signal: Signal) {
        self.0 |= Set::bit(signal).unwrap_or(0);
    }

    /// Takes the first out.
    pub(crate) fn take_first(&mut self) -> Option<Signal> {
        let first = self.iter().next();
        self.0 &= self.0.wrapping_sub(1);
        first
    }
}
