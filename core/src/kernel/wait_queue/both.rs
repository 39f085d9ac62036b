//! Two wakers in one.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::panics::First;

struct Both(Waker, Waker);

/// Wakes both, also if one panics.
pub(super) fn both(one: Waker, other: Waker) -> Waker {
    Arc::new(Both(one, other)).into()
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        let mut first = First::new();
        first.catch(|| self.0.wake_by_ref());
        first.catch(|| self.1.wake_by_ref());
        first.resume();
    }
}
