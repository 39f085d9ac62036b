//! Windows: what a program has started, as a whole; and the key that asks it to end.
//!
//! # Invariants
//! * **OWN-ENOUGH**: each handle is open while it is used, and what is passed by a pointer is as large as is said.

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};

/// Programs that end together: those that were put in, and all that they start. When this is dropped, too.
#[derive(Debug)]
pub(crate) struct Job(OwnedHandle);

impl Job {
    pub(crate) fn new() -> io::Result<Job> {
        // SAFETY: without attributes and a name there are no conditions.
        let job = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just made, and nobody else has it.
        let job = Job(unsafe { OwnedHandle::from_raw_handle(job) });
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let (kind, size) = (JobObjectExtendedLimitInformation, size_of_val(&limits) as u32);
        // SAFETY: OWN-ENOUGH.
        done(unsafe { SetInformationJobObject(job.0.as_raw_handle(), kind, (&raw const limits).cast(), size) })?;
        Ok(job)
    }

    /// Puts a process in, and all that it starts from now on.
    pub(crate) fn take_in(&self, process: &impl AsHandle) -> io::Result<()> {
        // SAFETY: OWN-ENOUGH.
        done(unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), process.as_handle().as_raw_handle()) })
    }

    /// Ends all of them, with this as their exit code.
    pub(crate) fn end(&self, code: u32) -> io::Result<()> {
        // SAFETY: OWN-ENOUGH.
        done(unsafe { TerminateJobObject(self.0.as_raw_handle(), code) })
    }
}

/// Lets a process begin that was started as one that waits for that: then it has one thread.
pub(crate) fn resume(process: u32) -> io::Result<()> {
    // SAFETY: no conditions.
    let list = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if list == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just made, and nobody else has it.
    let list = unsafe { OwnedHandle::from_raw_handle(list) };
    let mut thread = THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..THREADENTRY32::default() };
    // SAFETY: OWN-ENOUGH.
    done(unsafe { Thread32First(list.as_raw_handle(), &raw mut thread) })?;
    while thread.th32OwnerProcessID != process {
        // SAFETY: OWN-ENOUGH.
        done(unsafe { Thread32Next(list.as_raw_handle(), &raw mut thread) })?;
    }
    // SAFETY: no conditions.
    let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, thread.th32ThreadID) };
    if thread.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else has it.
    let thread = unsafe { OwnedHandle::from_raw_handle(thread) };
    // SAFETY: OWN-ENOUGH.
    match unsafe { ResumeThread(thread.as_raw_handle()) } {
        u32::MAX => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Presses Ctrl+Break at a group of processes, those of them that have this process's console.
pub(crate) fn press_break(group: u32) -> io::Result<()> {
    // SAFETY: no conditions.
    done(unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group) })
}

fn done(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
