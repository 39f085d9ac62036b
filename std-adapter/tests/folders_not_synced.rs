//! Disks that can't, or won't, bring the names of a folder to the disk. This program has an `fsync` of its own, which refuses
//! folders as it is told, since few such disks are at hand.
#![cfg(all(target_os = "linux", target_env = "gnu", not(giambio_no_spare)))] // a sanitizer has functions of that name itself

use std::ffi::c_int;
use std::fs as std_fs;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

use giambio::fs::{self, PathError};
use giambio::run;

/// What folders get, and how often they got it.
static REFUSED: AtomicI32 = AtomicI32::new(0);
static REFUSALS: AtomicU32 = AtomicU32::new(0);

/// Stands before the system's.
#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: it is the caller's, and is not closed here.
    let file = ManuallyDrop::new(unsafe { std_fs::File::from_raw_fd(fd) });
    if file.metadata().is_ok_and(|found| found.is_dir()) && REFUSED.load(SeqCst) != 0 {
        REFUSALS.fetch_add(1, SeqCst);
        // SAFETY: it is this thread's.
        unsafe { *libc::__errno_location() = REFUSED.load(SeqCst) };
        return -1;
    }
    // SAFETY: it takes any number.
    unsafe { libc::syscall(libc::SYS_fsync, fd) as c_int }
}

#[test]
fn an_atomic_write_says_whether_its_name_is_on_the_disk() {
    run(fs::in_temporary_folder(async |folder| {
        let path = folder.join("file");
        let write = async |refused, text: &'static str| -> io::Result<()> {
            REFUSED.store(refused, SeqCst);
            let written = fs::write_atomically(&path, text).await;
            REFUSED.store(0, SeqCst);
            assert_eq!(std_fs::read_to_string(&path).unwrap(), text);
            written
        };
        write(0, "synced").await.unwrap();
        // These disks have no such call.
        write(libc::EINVAL, "not supported").await.unwrap();
        write(libc::EOPNOTSUPP, "not supported either").await.unwrap();
        assert_eq!(REFUSALS.load(SeqCst), 2);
        let error = write(libc::EIO, "written").await.expect_err("a broken disk");
        let inside = error.get_ref().and_then(|inside| inside.downcast_ref::<PathError>()).unwrap();
        assert_eq!((inside.what(), inside.path()), ("bring to the disk the name of", &*path));
        assert_eq!(inside.raw_os_error(), Some(libc::EIO));
    }))
    .unwrap();
}
