//! Names that take long to look up. This program has a `getaddrinfo` of its own, which does for some names as one does
//! whose name servers are silent.
// A sanitizer has functions of that name itself, and a program that holds the C library has both.
#![cfg(all(target_os = "linux", target_env = "gnu", not(giambio_no_spare), not(target_feature = "crt-static")))]

mod common;

use std::env;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{itself, poll_once};
use giambio::net::lookup;
use giambio::{fail_after, move_on_after, run, unblock};

const MINUTE: Duration = Duration::from_secs(60);

static SILENT: Mutex<bool> = Mutex::new(true);
static ANSWER: Condvar = Condvar::new();
static ASKED: AtomicUsize = AtomicUsize::new(0);

type Look = extern "C" fn(*const c_char, *const c_char, *const libc::addrinfo, *mut *mut libc::addrinfo) -> c_int;

/// Stands before the C library's.
#[unsafe(no_mangle)]
extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    // SAFETY: the caller keeps the contract of `getaddrinfo`; the standard library always gives a name.
    let name = unsafe { CStr::from_ptr(node) };
    if name.to_bytes().ends_with(b".silent.test") {
        ASKED.fetch_add(1, SeqCst);
        let silent = SILENT.lock().unwrap();
        drop(ANSWER.wait_while(silent, |silent| *silent));
        return libc::EAI_AGAIN;
    }
    // SAFETY: the name is a string, and `RTLD_NEXT` a place to look.
    let theirs = unsafe { libc::dlsym(libc::RTLD_NEXT, c"getaddrinfo".as_ptr()) };
    // SAFETY: that is the signature of what has this name.
    let theirs: Look = unsafe { std::mem::transmute(theirs) };
    theirs(node, service, hints, found)
}

#[test]
fn lookups_that_were_given_up_delay_no_other_lookup_and_no_call() {
    run(async {
        let mut lookups = Vec::new();
        for n in 0..300 {
            let mut lookup = Box::pin(lookup(format!("n{n}.silent.test:80")));
            assert!(poll_once(&mut lookup).await.is_none());
            lookups.push(lookup);
        }
        let start = Instant::now();
        while ASKED.load(SeqCst) < 300 {
            assert!(start.elapsed() < MINUTE, "{ASKED:?} of 300 lookups run");
            thread::yield_now();
        }
        drop(lookups);
        assert_eq!(fail_after(MINUTE, unblock(|| 5)).await.expect("the call waits for names"), 5);
        let found = fail_after(MINUTE, lookup("localhost:80")).await.expect("the lookup waits for others");
        assert!(!found.unwrap().is_empty());
    });
    *SILENT.lock().unwrap() = false;
    ANSWER.notify_all();
}

/// What this process is when it is a program that ends while a lookup hangs.
const HANGS: &str = "GIAMBIO_LOOKUP_HANGS";

#[test]
fn a_lookup_that_hangs_does_not_hold_up_the_end_of_the_program() {
    if env::var_os(HANGS).is_some() {
        run(async {
            let given_up = move_on_after(Duration::from_millis(50), lookup("hangs.silent.test:80")).await;
            assert!(given_up.is_none());
            while ASKED.load(SeqCst) == 0 {
                giambio::sleep(Duration::from_millis(1)).await;
            }
        });
        return; // and nobody ever answers
    }
    let name = "a_lookup_that_hangs_does_not_hold_up_the_end_of_the_program";
    let mut program = itself().args(["--exact", name]).env(HANGS, "1").spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = program.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > MINUTE {
            program.kill().unwrap();
            program.wait().unwrap();
            panic!("the program does not end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
}
