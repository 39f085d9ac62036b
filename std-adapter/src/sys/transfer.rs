//! Windows: reading from a pipe and writing to it, which go on after they were begun.
//!
//! # Invariants
//! * **KEPT-UNTIL-OVER**: what the system uses while a call goes on lies in memory of its own, which is neither looked at nor
//!   freed before that is over; one that is dropped is cancelled, and its end waited for.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_PIPE_NOT_CONNECTED, STATUS_PENDING};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};

use super::waitable::Waitable;

/// How many bytes are moved at once.
pub(crate) const ROOM: usize = 8 << 10;

/// An end of a pipe that is open for overlapped calls, and one of those: the last, which may go on.
pub(crate) struct Transfer {
    pipe: OwnedHandle,
    /// Set when the call is over.
    over: Waitable,
    goes_on: Cell<bool>,
    /// From a box.
    used: *mut Used,
}

/// What the system uses.
struct Used {
    overlapped: OVERLAPPED,
    bytes: [u8; ROOM],
}

// SAFETY: what it points to is its own; the system does not care which thread asks.
unsafe impl Send for Transfer {}

impl Transfer {
    pub(crate) fn of(pipe: OwnedHandle) -> io::Result<Transfer> {
        let over = Waitable::event()?;
        let used = Box::into_raw(Box::new(Used { overlapped: OVERLAPPED::default(), bytes: [0; ROOM] }));
        Ok(Transfer { pipe, over, goes_on: Cell::new(false), used })
    }

    /// Signalled when what was begun is over.
    pub(crate) fn over(&self) -> &Waitable {
        &self.over
    }

    /// Was something begun, whose outcome nobody has asked for?
    pub(crate) fn goes_on(&self) -> bool {
        self.goes_on.get()
    }

    /// Begins to read.
    pub(crate) fn read(&self) -> io::Result<()> {
        self.begin(|used, overlapped| {
            // SAFETY: there is room for so many bytes, by KEPT-UNTIL-OVER.
            unsafe {
                let bytes = (&raw mut (*used).bytes).cast();
                ReadFile(self.pipe.as_raw_handle(), bytes, ROOM as u32, ptr::null_mut(), overlapped)
            }
        })
    }

    /// Begins to write the beginning of `data`; how many bytes these are.
    pub(crate) fn write(&self, data: &[u8]) -> io::Result<usize> {
        let count = data.len().min(ROOM);
        self.begin(|used, overlapped| {
            // SAFETY: `data` has so many bytes, there is room for them, and they stay there, by KEPT-UNTIL-OVER.
            unsafe {
                let bytes: *mut u8 = (&raw mut (*used).bytes).cast();
                bytes.copy_from_nonoverlapping(data.as_ptr(), count);
                WriteFile(self.pipe.as_raw_handle(), bytes, count as u32, ptr::null_mut(), overlapped)
            }
        })?;
        Ok(count)
    }

    /// `call` is one to the system.
    fn begin(&self, call: impl FnOnce(*mut Used, *mut OVERLAPPED) -> i32) -> io::Result<()> {
        assert!(!self.goes_on(), "one goes on");
        // SAFETY: nothing goes on, so nobody else uses it.
        let overlapped = unsafe { &raw mut (*self.used).overlapped };
        // SAFETY: the same.
        unsafe { *overlapped = OVERLAPPED { hEvent: self.over.raw(), ..OVERLAPPED::default() } };
        if call(self.used, overlapped) == 0 {
            let error = io::Error::last_os_error();
            if !is(&error, ERROR_IO_PENDING) {
                return Err(named(error));
            }
        }
        self.goes_on.set(true);
        Ok(())
    }

    /// How many bytes were moved by what was begun. Would block: it goes on.
    pub(crate) fn outcome(&self) -> io::Result<usize> {
        self.ask(false)
    }

    /// Waits until what was begun is over. Blocks.
    pub(crate) fn finish(&self) {
        let _ = self.ask(true);
    }

    fn ask(&self, waits: bool) -> io::Result<usize> {
        let mut count = 0;
        // SAFETY: it is what the call has, by KEPT-UNTIL-OVER.
        let asked = unsafe {
            let overlapped = &raw const (*self.used).overlapped;
            GetOverlappedResult(self.pipe.as_raw_handle(), overlapped, &raw mut count, i32::from(waits))
        };
        if asked == 0 {
            let error = io::Error::last_os_error();
            if is(&error, ERROR_IO_INCOMPLETE) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.goes_on.set(false);
            return Err(named(error));
        }
        self.goes_on.set(false);
        Ok(count as usize)
    }

    /// Copies what was read, from a place on, which leaves as much as there is room for in `buffer`.
    pub(crate) fn copy(&self, from: usize, buffer: &mut [u8]) {
        assert!(!self.goes_on(), "it is not there yet");
        // SAFETY: nothing goes on, so nobody else uses it.
        let bytes = unsafe { &(*self.used).bytes };
        buffer.copy_from_slice(&bytes[from..from + buffer.len()]);
    }
}

/// The standard library has no word for what a pipe says whose other end was cut off.
fn named(error: io::Error) -> io::Error {
    match is(&error, ERROR_PIPE_NOT_CONNECTED) {
        true => io::Error::new(io::ErrorKind::BrokenPipe, error),
        false => error,
    }
}

fn is(error: &io::Error, number: u32) -> bool {
    error.raw_os_error() == Some(number.cast_signed())
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if self.goes_on() {
            // SAFETY: it is what the call has, by KEPT-UNTIL-OVER. That it is over already is no error here.
            unsafe { CancelIoEx(self.pipe.as_raw_handle(), &raw const (*self.used).overlapped) };
            self.finish();
            // SAFETY: it is what the call has, by KEPT-UNTIL-OVER.
            let status = unsafe { (&raw const (*self.used).overlapped.Internal).read_volatile() };
            if status == STATUS_PENDING as usize {
                return; // the wait itself has failed, and the call goes on: its memory stays
            }
        }
        // SAFETY: it was made of a box, and nothing goes on.
        drop(unsafe { Box::from_raw(self.used) });
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pipe.fmt(f)
    }
}
