//! What `accept` may say of a connection, the system, or the listener. This program has an `accept4` of its own, which
//! fails as often as it is told, since nobody can make a kernel do so.
#![cfg(all(target_os = "linux", target_env = "gnu", not(giambio_no_spare)))] // a sanitizer has functions of that name itself

use std::cell::Cell;
use std::ffi::c_int;
use std::io;
use std::net;
use std::time::{Duration, Instant};

use giambio::net::{TcpListener, TcpStream};
use giambio::{fail_after, run};

thread_local! {
    /// The next calls of this thread fail: so many, with this error.
    static FAILING: Cell<(u32, c_int)> = const { Cell::new((0, 0)) };
}

/// Stands before the system's.
#[unsafe(no_mangle)]
extern "C" fn accept4(fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int) -> c_int {
    let (left, errno) = FAILING.get();
    if left > 0 {
        FAILING.set((left - 1, errno));
        // SAFETY: it is this thread's.
        unsafe { *libc::__errno_location() = errno };
        return -1;
    }
    // SAFETY: the caller keeps the contract of `accept4`, which is this one's.
    unsafe { libc::syscall(libc::SYS_accept4, fd, address, length, flags) as c_int }
}

/// Accepts a connection that waits, with so many failures before.
fn accept_after(failures: u32, errno: c_int) -> io::Result<(TcpStream, net::SocketAddr)> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        FAILING.set((failures, errno));
        let accepted = fail_after(Duration::from_secs(60), listener.accept()).await.expect("it waited for good");
        assert_eq!(FAILING.replace((0, 0)).0, 0, "it did not even try");
        if let Ok((_, peer)) = accepted {
            assert_eq!(peer, client.local_addr().unwrap());
        }
        accepted
    })
}

/// Those of accept(2): of the new connection, of the protocol, of a firewall.
const OF_THE_CONNECTION: [c_int; 15] = [
    libc::ECONNABORTED,
    libc::ECONNRESET,
    libc::EHOSTDOWN,
    libc::EHOSTUNREACH,
    libc::EINTR,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    libc::ENONET,
    libc::ENOPROTOOPT,
    libc::EOPNOTSUPP,
    libc::EPERM,
    libc::EPROTO,
    libc::EPROTONOSUPPORT,
    libc::ESOCKTNOSUPPORT,
    libc::ETIMEDOUT,
];

const OF_THE_SYSTEM: [c_int; 6] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::ENOSPC, libc::ENOSR];

const OF_THE_LISTENER: [c_int; 4] = [libc::EBADF, libc::EINVAL, libc::ENOTSOCK, libc::EACCES];

#[test]
fn no_error_of_a_connection_or_of_the_system_ends_a_server() {
    for errno in [&OF_THE_CONNECTION[..], &OF_THE_SYSTEM].concat() {
        let accepted = accept_after(3, errno);
        assert!(accepted.is_ok(), "{accepted:?}");
    }
}

#[test]
fn an_error_of_the_listener_does() {
    for errno in OF_THE_LISTENER {
        assert_eq!(accept_after(1, errno).unwrap_err().raw_os_error(), Some(errno));
    }
}

/// A rule may forbid everything for a while, and then each call fails.
#[test]
fn an_error_that_stays_is_not_waited_for_in_a_tight_loop() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        FAILING.set((u32::MAX, libc::EPERM));
        let start = Instant::now();
        assert!(giambio::move_on_after(Duration::from_millis(100), listener.accept()).await.is_none());
        let (tried, took) = (u128::from(u32::MAX - FAILING.replace((0, 0)).0), start.elapsed());
        assert!((1..=101 * (took.as_millis() / 20 + 2)).contains(&tried), "{tried} calls in {took:?}");
        listener.accept().await.unwrap();
    });
}

#[test]
fn try_accept_passes_over_a_broken_connection_too() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        FAILING.set((3, libc::ECONNABORTED));
        assert_eq!(listener.try_accept().unwrap().1, client.local_addr().unwrap());
    });
}
