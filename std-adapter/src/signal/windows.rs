//! Ctrl+C on Windows comes on a thread of the system's own.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use giambio_core::poll_proceed;
use windows_sys::Win32::System::Console::CTRL_C_EVENT;

use super::again::Again;
use crate::foreign::First;
use crate::sys::callbacks::on_console_event;

static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Watch {
    again: Again,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pressed: bool,
    pressed_before: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct CtrlC(Arc<Watch>);

impl CtrlC {
    pub(crate) fn new(again: Again) -> io::Result<CtrlC> {
        on_console_event(on_ctrl)?;
        let watch = Arc::new(Watch { again, state: Mutex::default() });
        lock(&WATCHES).push(watch.clone());
        Ok(CtrlC(watch))
    }

    pub(crate) fn poll_pressed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let go = ready!(poll_proceed(cx));
        // Cloned and dropped outside of the lock: it may be somebody's code.
        let new = cx.waker().clone();
        let mut state = lock(&self.0.state);
        if std::mem::take(&mut state.pressed) {
            go.made_progress();
            return Poll::Ready(Ok(()));
        }
        let old = state.waker.replace(new);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Drop for CtrlC {
    fn drop(&mut self) {
        lock(&WATCHES).retain(|watch| !Arc::ptr_eq(watch, &self.0));
    }
}

/// 1: handled; 0: the next handler's turn, at last the system's, which ends the process.
extern "system" fn on_ctrl(event: u32) -> i32 {
    if event != CTRL_C_EVENT {
        return 0;
    }
    let watches = lock(&WATCHES).clone();
    let mut handled = i32::from(!watches.is_empty());
    let mut first = First::new();
    for watch in watches {
        let mut state = lock(&watch.state);
        if watch.again == Again::Kill && state.pressed_before {
            handled = 0;
        }
        state.pressed = true;
        state.pressed_before = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            first.catch(|| waker.wake());
        }
    }
    // On this thread there is nobody to whom a panic could go.
    std::mem::forget(first);
    handled
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
