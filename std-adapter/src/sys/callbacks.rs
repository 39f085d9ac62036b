//! What the system tells by calling: Unix each fork, Windows each key that ends a program.

#[cfg(unix)]
pub(crate) use of_unix::{count_forks, forks};
#[cfg(windows)]
pub(crate) use of_windows::{count_forks, forks, on_console_event};

#[cfg(unix)]
mod of_unix {
    //! The C library tells of each `fork` that goes through it, so that looking costs one load and no system call. One that is
    //! made by a bare system call goes unnoticed.

    use std::ffi::c_int;
    use std::sync::Once;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// How many forks lie between the first process that counted and this one.
    static FORKS: AtomicU32 = AtomicU32::new(0);

    /// Begins to count, once.
    pub(crate) fn count_forks() {
        static COUNTING: Once = Once::new();
        COUNTING.call_once(|| {
            // It fails only for want of memory, of a few bytes.
            // SAFETY: `count` may be called at any time in any child: it touches nothing but an atomic.
            let _ = unsafe { pthread_atfork(None, None, Some(count)) };
        });
    }

    /// How many there were on the way to this process.
    #[inline]
    pub(crate) fn forks() -> u32 {
        FORKS.load(Ordering::Relaxed)
    }

    unsafe extern "C" {
        /// POSIX, and everywhere; the crate `libc` has it for some systems only.
        fn pthread_atfork(
            prepare: Option<unsafe extern "C" fn()>,
            parent: Option<unsafe extern "C" fn()>,
            child: Option<unsafe extern "C" fn()>,
        ) -> c_int;
    }

    /// In the child, on the thread that forked, before `fork` returns.
    extern "C" fn count() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(windows)]
mod of_windows {
    use std::io;
    use std::sync::OnceLock;

    use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

    /// There are none to count.
    pub(crate) fn count_forks() {}

    #[inline]
    pub(crate) fn forks() -> u32 {
        0
    }

    /// Has `handler` called from now on when a key or the closing of the console would end the process: on a thread of the
    /// system's own, with the number of the event. It returns 1 if it has seen to that, and 0 if the next handler is to, at
    /// last the system's, which ends the process. Only the first handler of a process is taken.
    pub(crate) fn on_console_event(handler: extern "system" fn(u32) -> i32) -> io::Result<()> {
        static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
        let installed = INSTALLED.get_or_init(|| {
            // SAFETY: a plain function may be called on any thread, until the process ends.
            match unsafe { SetConsoleCtrlHandler(Some(handler), 1) } {
                0 => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
                _ => Ok(()),
            }
        });
        installed.map_err(io::Error::from_raw_os_error)
    }
}
