//! A board is started once.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

/// Returns the first time.
///
/// # Panics
/// Every other time.
pub fn once() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    // Not in one step, which not every chip can: programs start their board before any interrupt comes.
    assert!(!STARTED.load(Relaxed), "the board has been started already");
    STARTED.store(true, Relaxed);
}
