//! A system that has no thread left. This program has a `pthread_create` of its own, which can be told so, and is alone
//! in its process, where no other test has left a thread.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
// A sanitizer has functions of that name itself, and a static program finds no second one.
#![cfg(not(any(giambio_no_spare, target_feature = "crt-static")))]

mod common;

use std::ffi::{c_int, c_void};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use common::kind;
use giambio::fs;
use giambio::net::{ListenOptions, TcpListener, TcpStream, lookup};
use giambio::{run, try_unblock, unblock};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

static NONE_LEFT: AtomicBool = AtomicBool::new(false);

type Start = extern "C" fn(*mut c_void) -> *mut c_void;
type Create = extern "C" fn(*mut libc::pthread_t, *const libc::pthread_attr_t, Start, *mut c_void) -> c_int;

/// Stands before the C library's.
#[unsafe(no_mangle)]
extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    if NONE_LEFT.load(SeqCst) {
        return libc::EAGAIN;
    }
    // SAFETY: the name is a string, and `RTLD_NEXT` a place to look.
    let theirs = unsafe { libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr()) };
    // SAFETY: that is the signature of what has this name.
    let theirs: Create = unsafe { std::mem::transmute(theirs) };
    theirs(thread, attributes, start, argument)
}

/// Calls in calls, of which each needs a thread more.
fn nested(deep: usize) -> Option<ErrorKind> {
    match deep {
        0 => None,
        _ => run(try_unblock(move || nested(deep - 1))).unwrap_or_else(|error| Some(error.kind())),
    }
}

#[test]
fn what_needs_a_thread_and_gets_none_says_so() {
    NONE_LEFT.store(true, SeqCst);
    let (mut entries, mut walk) = (fs::read_dir(FOLDER), fs::walk(FOLDER));
    run(async {
        assert_eq!(kind(lookup("localhost:80").await), Some(ErrorKind::QuotaExceeded));
        assert_eq!(kind(TcpStream::connect("localhost:80").await), Some(ErrorKind::QuotaExceeded));
        assert_eq!(kind(TcpListener::bind("localhost:0").await), Some(ErrorKind::QuotaExceeded));
        assert_eq!(kind(ListenOptions::new().bind("localhost:0").await), Some(ErrorKind::QuotaExceeded));
        assert_eq!(kind(try_unblock(|| ()).await), Some(ErrorKind::QuotaExceeded));
        for _ in 0..2 {
            assert_eq!(kind(entries.next().await), Some(ErrorKind::QuotaExceeded));
            assert_eq!(kind(walk.next().await), Some(ErrorKind::QuotaExceeded));
        }

        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let file = fs::File::from_std(std::fs::File::open(path).unwrap(), path);
        let (buffer, count) = file.read_at(vec![0; 9], 0).await;
        assert_eq!(
            (buffer.len(), kind(count)),
            (9, Some(ErrorKind::QuotaExceeded)),
            "an empty one, read again, is an end"
        );
        let (buffer, written) = file.write_at(b"not lost".to_vec(), 0).await;
        assert_eq!((&*buffer, kind(written)), (&b"not lost"[..], Some(ErrorKind::QuotaExceeded)));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    });
    let panic = catch_unwind(AssertUnwindSafe(|| run(unblock(|| ())))).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("no thread could be made"));

    NONE_LEFT.store(false, SeqCst);
    run(async {
        assert!(entries.next().await.unwrap().is_some() && walk.next().await.unwrap().is_some());
        lookup("localhost:80").await.unwrap();
        unblock(|| ()).await;
        NONE_LEFT.store(true, SeqCst); // now there are threads, but no more
        let (one, two) = futures_lite::future::zip(unblock(|| 1), unblock(|| 2)).await;
        assert_eq!((one, two), (1, 2));
        lookup("localhost:80").await.unwrap();
        assert_eq!(
            unblock(|| nested(16)).await,
            Some(ErrorKind::QuotaExceeded),
            "each thread is at what waits for the next"
        );
    });
}
