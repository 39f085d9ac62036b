//! Sockets with paths: the second instance of what all streams and listeners have in common.

use std::fs;
use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net as std_net;
use std::time::Duration;

use crate::common::{Place, kind, poll_once, settle};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use giambio::net::Closed;
use giambio::net::unix::{UnixDatagram, UnixListener, UnixStream};
use giambio::stream::{ByteStream, Connection};
use giambio::{fail_after, move_on_after, run};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(5);

#[test]
fn a_client_connects_to_a_path_and_both_know_where_they_are() {
    let place = Place::new("connects");
    run(async {
        let listener = UnixListener::bind(&place.0).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*place.0));
        let (client, accepted) = zip(UnixStream::connect(&place.0), listener.accept()).await;
        let (client, (server, peer)) = (client.unwrap(), accepted.unwrap());
        assert!(peer.is_unnamed() && client.local_addr().unwrap().is_unnamed());
        assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*place.0));
        client.send_all(b"ping").await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(server.receive(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer[..4], b"ping");
        assert!(client.take_error().unwrap().is_none() && listener.take_error().unwrap().is_none());
    });
}

#[test]
fn a_listener_takes_no_path_that_is_there_and_leaves_its_own() {
    let place = Place::new("exists");
    run(async {
        let listener = UnixListener::bind(&place.0).unwrap();
        assert_eq!(kind(UnixListener::bind(&place.0)), Some(ErrorKind::AddrInUse));
        drop(listener);
        assert_eq!(kind(UnixListener::bind(&place.0)), Some(ErrorKind::AddrInUse), "it is left there");
        assert_eq!(kind(UnixStream::connect(&place.0).await), Some(ErrorKind::ConnectionRefused));
        fs::remove_file(&place.0).unwrap();
        assert_eq!(kind(UnixStream::connect(&place.0).await), Some(ErrorKind::NotFound));
        let _again = UnixListener::bind(&place.0).unwrap();
    });
}

#[test]
fn a_path_that_is_longer_than_an_address_is_refused() {
    let long = std::env::temp_dir().join("x".repeat(200));
    run(async {
        assert_eq!(kind(UnixListener::bind(&long)), Some(ErrorKind::InvalidInput));
        assert_eq!(kind(UnixStream::connect(&long).await), Some(ErrorKind::InvalidInput));
        assert!(!long.exists());
    });
}

#[test]
fn an_error_of_a_path_names_it() {
    let names = |error: Error, what: &std::path::Path| {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with(&format!("{what:?}: ")), "{error}");
    };
    let place = Place::new("names");
    let nowhere = place.0.join("socket");
    run(async {
        names(UnixStream::connect(&nowhere).await.unwrap_err(), &nowhere);
        names(UnixListener::bind(&nowhere).unwrap_err(), &nowhere);
        names(UnixDatagram::bind(&nowhere).unwrap_err(), &nowhere);
        let socket = UnixDatagram::unbound().unwrap();
        names(socket.connect(&nowhere).unwrap_err(), &nowhere);
        names(socket.send_to(b"x", &nowhere).await.unwrap_err(), &nowhere);
        let address = std_net::SocketAddr::from_pathname(&nowhere).unwrap();
        names(socket.try_send_to_addr(b"x", &address).unwrap_err(), &nowhere);
        socket.close();
        assert!(Closed::is_cause_of(&socket.send_to(b"x", &nowhere).await.unwrap_err()));
    });
}

#[test]
fn who_finds_no_room_for_a_connection_waits_for_it() {
    let place = Place::new("room");
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&place.0).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let listener = UnixListener::from(std_net::UnixListener::from(socket));
    run(async {
        let mut clients = Vec::new();
        loop {
            match move_on_after(SOON, UnixStream::connect(&place.0)).await {
                Some(Ok(client)) if clients.len() < 100 => clients.push(client),
                None => break, // it waits
                Some(Err(error)) => return assert_eq!(error.kind(), ErrorKind::ConnectionRefused), // not on Linux
                Some(Ok(_)) => panic!("there is room for everybody"),
            }
        }
        let late = async {
            settle().await;
            listener.accept().await.unwrap()
        };
        let (client, _server) = fail_after(LONG, zip(UnixStream::connect(&place.0), late)).await.unwrap();
        client.unwrap();
    });
}

/// What each kind of stream does, here for the second one; the first has `streams.rs` to itself.
async fn does_all_that_a_stream_does<S: Connection>(one: ByteStream<S>, other: ByteStream<S>) {
    // Both are known to the reactor from here on.
    for (to, from) in [(&one, &other), (&other, &one)] {
        let mut buffer = [0; 8];
        let mut receive = Box::pin(from.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await;
        to.send_all(b"hello").await.unwrap();
        assert_eq!(receive.await.unwrap(), 5);
    }
    let mut buffer = [0; 8];

    // A receive that is given up loses nothing; a peek takes nothing.
    let mut receive = Box::pin(other.receive(&mut buffer));
    assert!(poll_once(&mut receive).await.is_none());
    one.send_all(b"kept").await.unwrap();
    drop(receive);
    assert_eq!(other.peek(&mut buffer).await.unwrap(), 4);
    other.readable().await.unwrap();
    assert_eq!(other.try_receive(&mut buffer).unwrap(), 4);
    assert_eq!(kind(other.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
    assert_eq!(other.receive(&mut []).await.unwrap(), 0);

    // Several pieces at once.
    one.send_vectored(&[IoSlice::new(b"he"), IoSlice::new(b"llo")]).await.unwrap();
    let (mut head, mut tail) = ([0; 3], [0; 9]);
    let mut pieces = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)];
    assert_eq!(other.receive_vectored(&mut pieces).await.unwrap(), 5);
    assert_eq!((&head, &tail[..2]), (b"hel", &b"lo"[..]));

    // A megabyte both ways, by halves; what was sent in part is known.
    for stream in [&one, &other] {
        stream.set_send_buffer_size(65_536).unwrap();
        stream.set_receive_buffer_size(65_536).unwrap();
        assert!(stream.send_buffer_size().unwrap() >= 65_536 && stream.receive_buffer_size().unwrap() >= 65_536);
    }
    let data: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let exchange = async |stream: &ByteStream<S>| {
        let (receive, send) = stream.split();
        let mut got = vec![0; data.len()];
        let (sent, received) = zip(send.send_all(&data), receive.receive_exact(&mut got)).await;
        sent.unwrap();
        received.unwrap();
        assert!(got == data);
    };
    zip(exchange(&one), exchange(&other)).await;
    let mut sending = one.send_all(&data);
    assert!(move_on_after(SOON, &mut sending).await.is_none(), "nobody receives");
    let sent = sending.sent();
    assert!(0 < sent && sent < data.len());
    assert_eq!(kind(one.try_send(b"x")), Some(ErrorKind::ResourceBusy));
    let mut got = vec![0; data.len()];
    let (all, received) = zip(sending, other.receive_exact(&mut got)).await;
    all.unwrap();
    received.unwrap();
    assert!(got == data);

    // The other libraries' traits, then the end of one direction.
    (&one).write_all(b"last").await.unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    (&other).read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "last");
    assert_eq!(kind(one.send(b"x").await), Some(ErrorKind::BrokenPipe));
    other.send_all(b"half").await.unwrap();
    assert_eq!(one.receive(&mut buffer).await.unwrap(), 4);

    // Owned halves; closing wakes who waits.
    let (receive, send) = other.into_split();
    let other = receive.reunite(send).unwrap();
    let closing = async {
        settle().await;
        one.close();
    };
    let (received, ()) = zip(one.receive(&mut buffer), closing).await;
    assert!(Closed::is_cause_of(&received.unwrap_err()));
    assert!(Closed::is_cause_of(&one.peer_addr().err().unwrap()));
    assert_eq!(format!("{one:?}"), "Closed");
    assert_eq!(other.receive(&mut [0]).await.unwrap(), 0);
    while other.send(b"x").await.is_ok() {} // and no signal
}

#[test]
fn a_pair_does_all_that_a_stream_does() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        does_all_that_a_stream_does(one, other).await;
    });
}

#[test]
fn a_connection_over_a_network_does_the_same() {
    run(async {
        let (one, other) = crate::common::pair().await;
        does_all_that_a_stream_does(one, other).await;
    });
}

#[test]
fn a_listener_that_is_closed_tells_who_accepts_even_while_its_descriptor_is_borrowed() {
    let place = Place::new("closed");
    run(async {
        for is_borrowed in [false, true] {
            let listener = UnixListener::bind(&place.0).unwrap();
            let borrowed = is_borrowed.then(|| listener.as_fd());
            let closing = async {
                settle().await;
                listener.close();
            };
            let (accepted, ()) = zip(listener.accept(), closing).await;
            assert!(Closed::is_cause_of(&accepted.unwrap_err()));
            assert!(Closed::is_cause_of(&listener.try_accept().unwrap_err()));
            assert!(borrowed.is_none_or(|fd| SockRef::from(&fd).local_addr().is_ok()), "its number is still its own");
            fs::remove_file(&place.0).unwrap();
        }
    });
}

/// Nobody takes them here, and the system closes them. But a call stops behind the bytes with which one came, so that its count
/// is short though there is more, of which no event tells.
#[test]
fn descriptors_that_come_along_are_closed_and_hide_nothing() {
    run(async {
        let (mut peer, ours) = std_net::UnixStream::pair().unwrap();
        let ours = UnixStream::from(ours);
        let (mut passed_reader, passed) = std_net::UnixStream::pair().unwrap();
        let mut buffer = [0; 64];
        let mut receive = Box::pin(ours.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        for vectored in [false, true] {
            let mut control = SendAncillaryBuffer::new(&mut space);
            let descriptors = [passed.as_fd()];
            assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
            sendmsg(&peer, &[IoSlice::new(b"abc")], &mut control, SendFlags::empty()).unwrap();
            peer.write_all(b"defg").unwrap();
            let mut got = if vectored { Vec::new() } else { vec![0; (&mut receive).await.unwrap()] };
            while got.len() < 7 {
                let (mut one, mut two) = ([0; 32], [0; 32]);
                let mut pieces = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
                let count = fail_after(LONG, async {
                    match vectored {
                        false => ours.receive(&mut pieces[0]).await,
                        true => ours.receive_vectored(&mut pieces).await,
                    }
                });
                let count: std::io::Result<usize> = count.await.expect("what follows a descriptor is received");
                got.extend(vec![0; count.unwrap()]);
            }
        }
        drop(passed);
        passed_reader.set_read_timeout(Some(LONG)).unwrap();
        assert_eq!(passed_reader.read(&mut [0]).unwrap(), 0, "nobody has the other end");
    });
}

#[test]
fn who_waits_in_a_direction_that_another_task_ends_is_told() {
    let much = vec![0; 10_000_000];
    run(async {
        let told = async |ends: &dyn Fn(&UnixStream)| {
            let (one, _other) = UnixStream::pair().unwrap();
            let sending = fail_after(LONG, one.send_all(&much));
            let sent = zip(sending, async {
                settle().await;
                ends(&one);
            });
            assert_eq!(kind(sent.await.0.expect("it is over")), Some(ErrorKind::BrokenPipe));
        };
        told(&|stream| stream.shutdown(Shutdown::Write).unwrap()).await;
        told(&|stream| stream.shutdown(Shutdown::Both).unwrap()).await;
        told(&|stream| stream.split().1.shutdown().unwrap()).await;
        let (one, _other) = UnixStream::pair().unwrap();
        let mut buffer = [0];
        let received = zip(fail_after(LONG, one.receive(&mut buffer)), async {
            settle().await;
            one.shutdown(Shutdown::Read).unwrap();
        });
        assert_eq!(received.await.0.expect("it is over").unwrap(), 0);
    });
}
