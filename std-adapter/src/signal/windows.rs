//! Signals on Windows are events of the console, which come on a thread of the system's own.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use giambio_core::poll_proceed;

use super::kinds::{Set, Signal};
use super::patience::Patience;
use crate::foreign::First;
use crate::sys::callbacks::on_console_event;

/// What a program that is to end is told.
pub(crate) const ORDERS: [Signal; 4] = [Signal::INT, Signal::BREAK, Signal::CLOSE, Signal::SHUTDOWN];

/// There is none that the system tells of, and that nobody could watch for.
pub(crate) const UNWATCHABLE: &[Signal] = &[];

static WATCHES: Mutex<Vec<Arc<Known>>> = Mutex::new(Vec::new());

/// What the handler knows of a watch.
#[derive(Debug)]
struct Known {
    signals: Set,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    arrived: Set,
    count: u32,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct Watch(Arc<Known>);

impl Watch {
    pub(crate) fn new(signals: Set, patience: Patience) -> io::Result<Watch> {
        on_console_event(on_event)?;
        let state = Mutex::new(State { arrived: Set::default(), count: 0, waker: None });
        let watch = Arc::new(Known { signals, patience, state });
        lock(&WATCHES).push(watch.clone());
        Ok(Watch(watch))
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Signal>> {
        let go = ready!(poll_proceed(cx));
        // Cloned and dropped outside of the lock: it may be somebody's code.
        let new = cx.waker().clone();
        let mut state = lock(&self.0.state);
        if let Some(signal) = state.arrived.take_first() {
            go.made_progress();
            return Poll::Ready(Ok(signal));
        }
        let old = state.waker.replace(new);
        drop(state);
        drop(old);
        go.waits_for("a signal");
        Poll::Pending
    }

    /// How many have come, each counted.
    pub(crate) fn count(&self) -> u32 {
        lock(&self.0.state).count
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&WATCHES).retain(|watch| !Arc::ptr_eq(watch, &self.0));
    }
}

/// 1: handled; 0: the next handler's turn, at last the system's, which ends the process.
extern "system" fn on_event(event: u32) -> i32 {
    let signal = Signal::from_raw(event.cast_signed());
    let watches: Vec<_> = lock(&WATCHES).iter().filter(|watch| watch.signals.has(signal)).cloned().collect();
    let mut handled = i32::from(!watches.is_empty());
    let mut first = First::new();
    for watch in watches {
        let mut state = lock(&watch.state);
        if watch.patience.is_over_after(state.count) {
            handled = 0;
        }
        state.count = state.count.saturating_add(1);
        state.arrived.insert(signal);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            first.catch(|| waker.wake());
        }
    }
    // On this thread there is nobody to whom a panic could go.
    std::mem::forget(first);
    while handled == 1 && [Signal::CLOSE, Signal::SHUTDOWN].contains(&signal) {
        // The system ends the process when this returns, and in any case after some seconds.
        thread::park();
    }
    handled
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
