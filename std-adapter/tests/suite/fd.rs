//! What waits for any descriptor: here for sockets, which every system has.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::common::{kind, poll_once, settle};
use futures_lite::future::zip;
use giambio::fd::{Closed, Fd};
use giambio::{fail_after, move_on_after, run, sleep};

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(5);

/// A socket that is waited for, and one that is connected to it.
fn pair() -> (Fd<UdpSocket>, UdpSocket) {
    let (one, other) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    one.connect(other.local_addr().unwrap()).unwrap();
    other.connect(one.local_addr().unwrap()).unwrap();
    (Fd::new(one).unwrap(), other)
}

#[test]
fn a_call_is_made_when_it_can_be_and_not_before() {
    run(async {
        let (fd, other) = pair();
        let calls = Cell::new(0);
        let mut buffer = [0; 8];
        let receive = fd.read_with(|socket| {
            calls.set(calls.get() + 1);
            socket.recv(&mut buffer)
        });
        let send = async {
            sleep(SOON).await;
            assert_eq!(calls.get(), 1, "it was tried, and then waited for");
            other.send(b"hello").unwrap();
        };
        let (count, ()) = fail_after(LONG, zip(receive, send)).await.unwrap();
        assert_eq!((count.unwrap(), &buffer[..5]), (5, &b"hello"[..]));
        assert_eq!(fail_after(LONG, fd.write_with(|socket| socket.send(b"x"))).await.unwrap().unwrap(), 1);
        fd.writable().await.unwrap();
        assert_eq!(kind(fd.try_read_with(|socket| socket.recv(&mut [0; 8]))), Some(ErrorKind::WouldBlock));
        other.send(b"y").unwrap();
        fail_after(LONG, fd.readable()).await.unwrap().unwrap();
        assert_eq!(fd.try_read_with(|socket| socket.recv(&mut [0; 8])).unwrap(), 1);
        assert_eq!(fd.try_write_with(|socket| socket.send(b"z")).unwrap(), 1);
    });
}

#[test]
fn a_listening_socket_given_from_outside_is_accepted_from() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    run(async {
        let fd = Fd::new(&listener).unwrap(); // borrowed
        let mut accept = Box::pin(fd.read_with(|listener| listener.accept()));
        assert!(poll_once(&mut accept).await.is_none());
        let mut client = TcpStream::connect(address).unwrap();
        let (mut server, peer) = fail_after(LONG, accept).await.unwrap().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        server.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
        fd.into_inner().unwrap();
    });
    // It is in blocking mode again: there is nobody, so only this connection can end the call.
    let client = TcpStream::connect(address).unwrap();
    assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
}

#[test]
fn closing_wakes_who_waits_and_every_later_call_says_so() {
    run(async {
        let (fd, _other) = pair();
        let mut read = Box::pin(fd.read_with(|socket| socket.recv(&mut [0])));
        let mut write = Box::pin(fd.write_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into())));
        assert!(poll_once(&mut read).await.is_none() && poll_once(&mut write).await.is_none());
        settle().await;
        fd.close();
        fd.close();
        for error in [read.await.unwrap_err(), write.await.unwrap_err()] {
            assert!(Closed::is_cause_of(&error), "{error}");
        }
        for error in [
            fd.readable().await.unwrap_err(),
            fd.writable().await.unwrap_err(),
            fd.read_with(|_| Ok(())).await.unwrap_err(),
            fd.write_with(|_| Ok(())).await.unwrap_err(),
            fd.try_read_with(|_| Ok(())).unwrap_err(),
            fd.try_write_with(|_| Ok(())).unwrap_err(),
        ] {
            assert!(Closed::is_cause_of(&error), "{error}");
        }
        // What was waited for is there still.
        fd.get_ref().local_addr().unwrap();
        let socket = fd.into_inner().unwrap();
        socket.send(b"x").unwrap();
    });
}

#[test]
fn a_call_may_do_anything_with_what_it_is_called_by() {
    run(async {
        let (fd, other) = pair();
        let error = fail_after(
            LONG,
            fd.read_with(|socket| {
                fd.close();
                socket.recv(&mut [0])
            }),
        );
        assert!(Closed::is_cause_of(&error.await.unwrap().unwrap_err()));

        let (fd, _other) = (Fd::new(fd.into_inner().unwrap()).unwrap(), other);
        let nested = fd.read_with(|_| fd.try_read_with(|socket| socket.recv(&mut [0])));
        assert!(move_on_after(SOON, nested).await.is_none(), "it waits as any other");
        let panics = std::panic::AssertUnwindSafe(|| fd.try_read_with(|_| -> std::io::Result<()> { panic!("mine") }));
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(kind(fd.try_read_with(|socket| socket.recv(&mut [0]))), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn a_second_task_is_told_that_one_waits_already() {
    run(async {
        let (fd, other) = pair();
        let mut first = Box::pin(fd.readable());
        assert!(poll_once(&mut first).await.is_none());
        assert_eq!(kind(fd.read_with(|socket| socket.recv(&mut [0])).await), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(fd.try_read_with(|socket| socket.recv(&mut [0]))), Some(ErrorKind::ResourceBusy));
        fd.writable().await.unwrap(); // the other direction is free
        drop(first);
        other.send(b"x").unwrap();
        assert_eq!(fail_after(LONG, fd.read_with(|socket| socket.recv(&mut [0]))).await.unwrap().unwrap(), 1);
    });
}

#[test]
fn who_gives_up_at_any_moment_loses_nothing() {
    run(async {
        let (fd, other) = pair();
        for polls in 0..4 {
            let calls = Cell::new(0);
            let mut read = Box::pin(fd.read_with(|socket| {
                calls.set(calls.get() + 1);
                socket.recv(&mut [0; 8])
            }));
            for _ in 0..polls {
                assert!(poll_once(&mut read).await.is_none());
                settle().await;
            }
            other.send(&[polls; 3]).unwrap();
            settle().await; // it is woken, and given up before it is polled
            drop(read);
            let mut buffer = [0; 8];
            let count = fail_after(LONG, fd.read_with(|socket| socket.recv(&mut buffer))).await.unwrap().unwrap();
            assert_eq!(&buffer[..count], [polls; 3]);
        }
    });
}

#[test]
fn several_may_wait_for_what_is_one_and_the_same() {
    run(async {
        let (fd, other) = pair();
        let (second, third) = (Fd::new(fd.get_ref()).unwrap(), Fd::new(fd.get_ref().try_clone().unwrap()).unwrap());
        let mut waiting = Box::pin(zip(fd.readable(), zip(second.readable(), third.readable())));
        assert!(poll_once(&mut waiting).await.is_none());
        other.send(b"x").unwrap();
        let (one, (two, three)) = fail_after(LONG, waiting).await.unwrap();
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
    });
}
