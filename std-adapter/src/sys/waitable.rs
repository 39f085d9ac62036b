//! Windows: handles that the system signals, and who is told: of an event when it is set, of a process when it has ended.
//!
//! # Invariants
//! * **OPEN-WHILE-WAITED**: a handle stays open as long as the system waits for it: a [`Waitable`] ends the wait before it
//!   closes it.
//! * **THERE-WHILE-CALLED**: what the system calls is freed only when that has said that no call is under way and none will
//!   come.

use std::cell::Cell;
use std::ffi::c_void;
use std::fmt;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEINWAITTHREAD, WT_EXECUTEONLYONCE,
};

/// A handle that the system signals, and the wait for that, if there is one.
pub struct Waitable {
    /// Before the handle: it ends first.
    wait: Cell<Option<Wait>>,
    handle: OwnedHandle,
}

impl Waitable {
    pub(crate) fn new(handle: OwnedHandle) -> Waitable {
        Waitable { wait: Cell::new(None), handle }
    }

    /// An event, which is not set, and stays set once it is.
    pub(crate) fn event() -> io::Result<Waitable> {
        // SAFETY: without attributes and a name there are no conditions.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just made, and nobody else has it.
        Ok(Waitable::new(unsafe { OwnedHandle::from_raw_handle(event) }))
    }

    pub(crate) fn raw(&self) -> HANDLE {
        self.handle.as_raw_handle()
    }

    /// Has `call` called when this is signalled, or at once if it is: on a thread of the system's, which others need as well.
    /// And nobody else.
    pub(crate) fn tell(&self, call: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
        self.forget();
        self.wait.set(Some(Wait::new(&self.handle, Box::new(call))?));
        Ok(())
    }

    /// Nobody is called from now on.
    pub(crate) fn forget(&self) {
        drop(self.wait.take());
    }
}

impl fmt::Debug for Waitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

type Call = Box<dyn Fn() + Send + Sync>;

struct Wait {
    number: HANDLE,
    /// From a box.
    call: *mut Call,
}

// SAFETY: a number of the system's, and what any thread may have and call.
unsafe impl Send for Wait {}

impl Wait {
    fn new(handle: &OwnedHandle, call: Call) -> io::Result<Wait> {
        let mut wait = Wait { number: ptr::null_mut(), call: Box::into_raw(Box::new(call)) };
        let (handle, call) = (handle.as_raw_handle(), wait.call.cast());
        let flags = WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD;
        // SAFETY: OPEN-WHILE-WAITED and THERE-WHILE-CALLED.
        match unsafe {
            RegisterWaitForSingleObject(&raw mut wait.number, handle, Some(signalled), call, INFINITE, flags)
        } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(wait),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // SAFETY: it is ended once, and not in the call, which ends before this returns.
        let is_over = self.number.is_null() || unsafe { UnregisterWaitEx(self.number, INVALID_HANDLE_VALUE) } != 0;
        if is_over {
            // SAFETY: it was made of a box, and nobody will call it, by THERE-WHILE-CALLED.
            drop(unsafe { Box::from_raw(self.call) });
        }
    }
}

/// `call` is a [`Call`].
unsafe extern "system" fn signalled(call: *mut c_void, _: bool) {
    // SAFETY: THERE-WHILE-CALLED.
    unsafe { (*call.cast::<Call>())() };
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use windows_sys::Win32::System::Threading::SetEvent;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn set(event: &Waitable) {
        // SAFETY: it is open.
        assert_ne!(unsafe { SetEvent(event.raw()) }, 0, "{}", io::Error::last_os_error());
    }

    #[test]
    fn who_waits_is_told_whether_it_is_set_before_or_after() {
        let event = Waitable::event().unwrap();
        let (told, tells) = mpsc::channel();
        let tell = |number| {
            let told = told.clone();
            event.tell(move || told.send(number).unwrap()).unwrap();
        };
        tell(1);
        assert!(tells.recv_timeout(Duration::from_millis(10)).is_err());
        set(&event);
        assert_eq!(tells.recv_timeout(LONG), Ok(1));
        tell(2);
        assert_eq!(tells.recv_timeout(LONG), Ok(2));
        assert!(tells.recv_timeout(Duration::from_millis(10)).is_err(), "once");
    }

    #[test]
    fn who_is_forgotten_is_not_told_and_what_it_has_is_dropped() {
        let (told, tells) = mpsc::channel();
        let event = Waitable::event().unwrap();
        for _ in 0..100 {
            let told = told.clone();
            event.tell(move || told.send(()).unwrap()).unwrap();
        }
        event.forget();
        set(&event);
        drop(told);
        assert_eq!(tells.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn one_that_is_dropped_while_it_is_told_waits_until_that_is_over() {
        for _ in 0..200 {
            let event = Waitable::event().unwrap();
            let (told, tells) = mpsc::channel();
            event.tell(move || told.send(()).unwrap()).unwrap();
            set(&event);
            drop(event);
            drop(tells);
        }
    }
}
