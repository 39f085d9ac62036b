//! What the cases share: a virtual world to run in, a log, two arenas.

use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use giambio_core::{Arena, Clock, Next, Runtime, Until, VirtualClock};
use heapless::Vec;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Where the children of the cases live.
pub(crate) static OUTER: Outer = Arena::new();
pub(crate) type Outer = Arena<4, 768>;
/// The same for nurseries inside.
pub(crate) static INNER: Arena<2, 384> = Arena::new();

/// The error of those cases that have none.
pub(crate) type Never = core::convert::Infallible;

/// Runs in a world where waiting takes no time; a deadlock is a panic.
#[track_caller]
pub(crate) fn run<F: Future>(main: F) -> F::Output {
    let clock = VirtualClock::<1_000_000>::new();
    let mut runtime = pin!(Runtime::new(&clock, main));
    loop {
        match runtime.as_mut().turn() {
            Next::Finished(value) => return value,
            Next::Wait(Until::Now) => {}
            Next::Wait(Until::At(tick)) => {
                assert!(clock.now() < tick, "it wants to wait for what is past");
                clock.advance_to(tick);
            }
            Next::Wait(Until::OnWake) => panic!("deadlock: all tasks wait, for no timer"),
        }
    }
}

/// A case left nothing behind.
pub(crate) fn everything_is_free() {
    assert_eq!((OUTER.used(), INNER.used()), (0, 0), "children are left");
}

/// What happened, in order.
#[derive(Default)]
pub(crate) struct Log(RefCell<Vec<&'static str, 16>>);

impl Log {
    pub(crate) fn add(&self, what: &'static str) {
        self.0.borrow_mut().push(what).expect("no case logs more");
    }

    #[track_caller]
    pub(crate) fn is(&self, what: &[&str]) {
        assert_eq!(self.0.borrow().as_slice(), what);
    }

    /// A value that logs when it is dropped.
    pub(crate) fn on_drop(&self, what: &'static str) -> OnDrop<'_> {
        OnDrop(self, what)
    }
}

pub(crate) struct OnDrop<'a>(&'a Log, &'static str);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// Waits for ever, as a leaf future does that nobody wakes.
pub(crate) async fn forever() {
    poll_fn(|_| Poll::<()>::Pending).await
}
