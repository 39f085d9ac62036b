//! Sockets of any kind: here of kinds that every system has.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use crate::common::{kind, poll_once, settle};
use futures_lite::future::zip;
use giambio::net::{Closed, Socket};
use giambio::{fail_after, move_on_after, run};
use socket2::{Domain, SockAddr, Type};

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(5);

fn bound(kind: Type) -> socket2::Socket {
    let socket = socket2::Socket::new(Domain::IPV4, kind, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket
}

fn listener() -> (Socket, SockAddr) {
    let socket = bound(Type::STREAM);
    socket.listen(8).unwrap();
    let address = socket.local_addr().unwrap();
    (Socket::new(socket).unwrap(), address)
}

fn unconnected() -> Socket {
    Socket::new(socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()).unwrap()
}

#[test]
fn a_stream_is_connected_accepted_used_and_ended() {
    run(async {
        let (listener, address) = listener();
        let client = unconnected();
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(&mut accept).await.is_none());
        let (connected, accepted) = fail_after(LONG, zip(client.connect(&address), accept)).await.unwrap();
        connected.unwrap();
        let (server, peer) = accepted.unwrap();
        assert_eq!(peer.as_socket(), client.local_addr().unwrap().as_socket());
        assert_eq!(client.peer_addr().unwrap().as_socket(), address.as_socket());

        let mut buffer = [0; 4];
        let mut receive = Box::pin(server.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await;
        assert_eq!(client.send(b"0123456").await.unwrap(), 7);
        let received = fail_after(LONG, receive).await.unwrap().unwrap();
        assert!(received.length == 4 && !received.is_cut, "bytes of a stream are never cut");
        let received = server.receive(&mut buffer).await.unwrap();
        assert_eq!((received.length, &buffer[..3]), (3, &b"456"[..]));
        assert_eq!(kind(server.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
        assert_eq!(client.try_send(b"x").unwrap(), 1);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(fail_after(LONG, server.receive(&mut buffer)).await.unwrap().unwrap().length, 1);
        assert_eq!(fail_after(LONG, server.receive(&mut buffer)).await.unwrap().unwrap().length, 0, "the end");
        assert!(server.take_error().unwrap().is_none());
        let back = server.into_inner().unwrap();
        back.send(b"bye").unwrap();
        assert_eq!(fail_after(LONG, client.receive(&mut buffer)).await.unwrap().unwrap().length, 3);
    });
}

#[test]
fn where_nobody_listens_it_is_refused() {
    run(async {
        let (listener, address) = listener();
        drop(listener);
        assert_eq!(
            kind(fail_after(LONG, unconnected().connect(&address)).await.unwrap()),
            Some(ErrorKind::ConnectionRefused)
        );
    });
}

#[test]
fn connecting_that_was_given_up_goes_on_where_it_was() {
    run(async {
        for polls in 0..2 {
            let (listener, address) = listener();
            let client = unconnected();
            let mut connect = Box::pin(client.connect(&address));
            for _ in 0..polls {
                if let Some(connected) = poll_once(&mut connect).await {
                    connected.unwrap();
                    return; // some systems have it done at once
                }
            }
            drop(connect);
            settle().await;
            fail_after(LONG, client.connect(&address)).await.unwrap().unwrap();
            let (server, _) = fail_after(LONG, listener.accept()).await.unwrap().unwrap();
            client.send(b"x").await.unwrap();
            assert_eq!(server.receive(&mut [0; 4]).await.unwrap().length, 1);
        }
    });
}

#[test]
fn datagrams_are_sent_to_and_received_from() {
    run(async {
        let (one, other) = (Socket::new(bound(Type::DGRAM)).unwrap(), Socket::new(bound(Type::DGRAM)).unwrap());
        let (here, there) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        let mut buffer = [0; 4];
        let mut receive = Box::pin(other.receive_from(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await;
        assert_eq!(one.send_to(b"long one", &there).await.unwrap(), 8);
        let (received, from) = fail_after(LONG, receive).await.unwrap().unwrap();
        assert!(received.length == 4 && received.is_cut && matches!(received.whole, Some(8) | None));
        assert_eq!(from.as_socket(), here.as_socket());
        other.connect(&from).await.unwrap();
        other.send(b"").await.unwrap();
        let received = fail_after(LONG, one.receive(&mut buffer)).await.unwrap().unwrap();
        assert!(received.length == 0 && !received.is_cut, "a datagram of nothing");
    });
}

#[test]
fn closing_wakes_who_waits_and_every_later_call_says_so() {
    run(async {
        let (listener, address) = listener();
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(&mut accept).await.is_none());
        settle().await;
        listener.close();
        assert!(Closed::is_cause_of(&accept.await.err().unwrap()));
        for error in [
            listener.accept().await.err().unwrap(),
            listener.connect(&address).await.unwrap_err(),
            listener.receive(&mut [0]).await.unwrap_err(),
            listener.receive_from(&mut [0]).await.err().unwrap(),
            listener.send(b"x").await.unwrap_err(),
            listener.send_to(b"x", &address).await.unwrap_err(),
            listener.shutdown(Shutdown::Both).unwrap_err(),
            listener.local_addr().unwrap_err(),
        ] {
            assert!(Closed::is_cause_of(&error), "{error}");
        }
    });
}

#[test]
fn who_gives_up_at_any_moment_loses_nothing() {
    run(async {
        let (one, other) = (Socket::new(bound(Type::DGRAM)).unwrap(), Socket::new(bound(Type::DGRAM)).unwrap());
        let there = other.local_addr().unwrap();
        let (listener, address) = listener();
        for polls in 0..3_u8 {
            let (mut buffer, mut second) = ([0; 8], [0; 8]);
            let mut receive = Box::pin(other.receive_from(&mut buffer));
            let mut accept = Box::pin(listener.accept());
            for _ in 0..polls {
                assert!(poll_once(&mut receive).await.is_none() && poll_once(&mut accept).await.is_none());
                settle().await;
            }
            one.send_to(&[polls], &there).await.unwrap();
            let client = unconnected();
            client.connect(&address).await.unwrap();
            settle().await; // woken, and given up before it is polled
            drop((receive, accept));
            assert_eq!(fail_after(LONG, other.receive(&mut second)).await.unwrap().unwrap().length, 1);
            assert_eq!(second[0], polls);
            fail_after(LONG, listener.accept()).await.unwrap().unwrap();
            assert!(move_on_after(SOON, listener.accept()).await.is_none());
        }
    });
}
