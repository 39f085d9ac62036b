//! UDP, and with it what all sockets of datagrams have in common.

use std::io::ErrorKind;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::common::{hears_that_nobody_is_there, kind, poll_once, settle};
use futures_lite::future::zip;
use giambio::net::{AddressErrors, Closed, TooLong, UdpSocket};
use giambio::{fail_after, move_on_after, run, sleep};
use socket2::SockRef;

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(5);

async fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Two that are connected to each other.
async fn pair() -> (UdpSocket, UdpSocket) {
    let ((one, first), (other, second)) = zip(socket(), socket()).await;
    one.connect(second).await.unwrap();
    other.connect(first).await.unwrap();
    (one, other)
}

/// An address at which nobody is, any more.
async fn nobody() -> SocketAddr {
    socket().await.1
}

#[test]
fn datagrams_come_one_by_one_and_say_who_has_sent_them() {
    run(async {
        let ((server, address), (client, from)) = zip(socket(), socket()).await;
        let mut buffer = [0; 64];
        let receive = async {
            for text in ["one", "and two"] {
                let (received, peer) = server.receive_from(&mut buffer).await.unwrap();
                assert_eq!((&buffer[..received.length], peer), (text.as_bytes(), from));
                assert!(!received.is_cut && received.whole == Some(text.len()));
            }
        };
        let send = async {
            sleep(SOON).await; // it waits
            client.send_to(b"one", address).await.unwrap();
            client.send_to(b"and two", address).await.unwrap();
        };
        fail_after(LONG, zip(receive, send)).await.unwrap();

        assert_eq!(kind(server.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
        assert_eq!(kind(server.try_receive_from(&mut buffer)), Some(ErrorKind::WouldBlock));
        assert!(client.peer_addr().is_err());
        client.connect(address).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        client.writable().await.unwrap();
        client.try_send(b"three").unwrap();
        server.readable().await.unwrap();
        assert_eq!(fail_after(LONG, server.receive(&mut buffer)).await.unwrap().unwrap().length, 5);
        server.try_send_to(b"four", from).unwrap();
        assert_eq!(fail_after(LONG, client.receive(&mut buffer)).await.unwrap().unwrap().length, 4);
    });
}

#[test]
fn what_is_longer_than_the_buffer_says_so_and_the_next_is_whole() {
    run(async {
        let (one, other) = pair().await;
        let from = one.local_addr().unwrap();
        for text in [&b"0123456789"[..], b"next", b"", b"empty is not the end", b"cut to nothing"] {
            one.send(text).await.unwrap();
        }
        let mut buffer = [7; 20];
        for _ in 0..2 {
            let peeked = fail_after(LONG, other.peek(&mut buffer[..4])).await.unwrap().unwrap();
            assert!(peeked.length == 4 && peeked.is_cut && matches!(peeked.whole, Some(10) | None));
            let (peeked, peer) = other.peek_from(&mut buffer[..10]).await.unwrap();
            assert!(peeked.length == 10 && !peeked.is_cut && peeked.whole == Some(10) && peer == from);
        }
        let (received, peer) = other.receive_from(&mut buffer[..4]).await.unwrap();
        assert!(received.length == 4 && received.is_cut && matches!(received.whole, Some(10) | None) && peer == from);
        assert_eq!(&buffer[..4], b"0123");
        let received = other.receive(&mut buffer).await.unwrap();
        assert!(received.length == 4 && !received.is_cut);
        let received = fail_after(LONG, other.receive(&mut buffer)).await.unwrap().unwrap();
        assert!(received.length == 0 && !received.is_cut && received.whole == Some(0), "a datagram of nothing");
        assert_eq!(other.receive(&mut buffer).await.unwrap().length, 20);
        let received = other.receive(&mut []).await.unwrap();
        assert!(received.length == 0 && received.is_cut, "it is taken, since no room is room for nothing");
        assert_eq!(kind(other.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn a_datagram_that_is_too_long_names_the_sizes() {
    run(async {
        let (one, other) = pair().await;
        let long = vec![1; 70_000];
        let to = other.local_addr().unwrap();
        for error in [
            one.send(&long).await.unwrap_err(),
            one.try_send(&long).unwrap_err(),
            one.send_to(&long, to).await.unwrap_err(),
            one.try_send_to(&long, to).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let too_long = TooLong::of(&error).unwrap();
            assert_eq!((too_long.length, too_long.longest), (70_000, Some(65_507)));
            assert_eq!(error.to_string(), "a datagram of 70000 bytes is too long: here 65507 are the most");
        }
        one.send(&long[..65_507]).await.unwrap();
        let mut buffer = vec![0; 70_000];
        assert_eq!(fail_after(LONG, other.receive(&mut buffer)).await.unwrap().unwrap().length, 65_507);
    });
}

#[test]
fn that_nobody_is_there_is_told_to_who_is_connected_and_can_go_on() {
    if !hears_that_nobody_is_there() {
        return;
    }
    run(async {
        let (client, from) = socket().await;
        let (server, address) = socket().await;
        client.connect(address).await.unwrap();
        let mut buffer = [0; 8];
        let mut receive = Box::pin(client.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        drop(server);
        client.send(b"lost").await.unwrap();
        // It wakes who waits.
        assert_eq!(kind(fail_after(LONG, receive).await.unwrap()), Some(ErrorKind::ConnectionRefused));
        let again = UdpSocket::bind(address).await.unwrap();
        again.send_to(b"back", from).await.unwrap();
        assert_eq!(fail_after(LONG, client.receive(&mut buffer)).await.unwrap().unwrap().length, 4);
        assert!(client.take_error().unwrap().is_none());
    });
}

#[test]
fn a_server_never_hears_that_a_client_has_gone() {
    run(async {
        let (server, address) = socket().await;
        for _ in 0..10 {
            let gone = nobody().await;
            server.send_to(b"are you there?", gone).await.unwrap();
            assert!(move_on_after(Duration::from_millis(2), server.receive_from(&mut [0; 8])).await.is_none());
        }
        let (client, from) = socket().await;
        client.send_to(b"here", address).await.unwrap();
        assert_eq!(fail_after(LONG, server.receive_from(&mut [0; 8])).await.unwrap().unwrap().1, from);
    });
}

#[test]
fn closing_wakes_who_waits_and_every_later_call_says_so() {
    run(async {
        let (one, other) = pair().await;
        let to = other.local_addr().unwrap();
        let mut buffer = [0; 8];
        let mut receive = Box::pin(one.receive_from(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await;
        one.close();
        one.close();
        assert!(Closed::is_cause_of(&receive.await.unwrap_err()));
        let mut buffer = [0; 8];
        for error in [
            one.receive(&mut buffer).await.unwrap_err(),
            one.receive_from(&mut buffer).await.unwrap_err(),
            one.peek(&mut buffer).await.unwrap_err(),
            one.peek_from(&mut buffer).await.unwrap_err(),
            one.try_receive(&mut buffer).unwrap_err(),
            one.send(b"x").await.unwrap_err(),
            one.send_to(b"x", to).await.unwrap_err(),
            one.try_send_to(b"x", to).unwrap_err(),
            one.readable().await.unwrap_err(),
            one.writable().await.unwrap_err(),
            one.connect(to).await.unwrap_err(),
            one.local_addr().unwrap_err(),
            one.set_broadcast(true).unwrap_err(),
        ] {
            assert!(Closed::is_cause_of(&error), "{error}");
        }
    });
}

#[test]
fn who_gives_up_at_any_moment_loses_no_datagram() {
    run(async {
        let (one, other) = pair().await;
        for polls in 0..3_u8 {
            for way in 0..5 {
                let (mut buffer, mut second) = ([0; 8], [0; 8]);
                let mut waiting: std::pin::Pin<Box<dyn Future<Output = ()>>> = match way {
                    0 => Box::pin(async { drop(other.receive(&mut buffer).await) }),
                    1 => Box::pin(async { drop(other.receive_from(&mut buffer).await) }),
                    2 => Box::pin(async { drop(other.peek(&mut buffer).await) }),
                    3 => Box::pin(async { drop(other.peek_from(&mut buffer).await) }),
                    _ => Box::pin(async {
                        let _ = other.readable().await;
                        std::future::pending().await
                    }),
                };
                for _ in 0..polls {
                    assert!(poll_once(&mut waiting).await.is_none());
                    settle().await;
                }
                one.send(&[polls, way]).await.unwrap();
                settle().await; // woken, and given up before it is polled
                drop(waiting);
                assert_eq!(fail_after(LONG, other.receive(&mut second)).await.unwrap().unwrap().length, 2);
                assert_eq!(second[..2], [polls, way]);
            }
        }
    });
}

#[test]
fn a_second_task_that_receives_is_told_that_one_does() {
    run(async {
        let (one, other) = pair().await;
        let (mut buffer, mut second) = ([0; 8], [0; 8]);
        let mut receive = Box::pin(one.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        assert_eq!(kind(one.receive_from(&mut second).await), Some(ErrorKind::ResourceBusy));
        one.send(b"x").await.unwrap(); // the other direction is free
        other.send(b"x").await.unwrap();
        assert_eq!(fail_after(LONG, receive).await.unwrap().unwrap().length, 1);
    });
}

#[test]
fn a_group_is_joined_and_left() {
    run(async {
        let group = Ipv4Addr::new(239, 255, 77, 1);
        let receiver = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        let port = receiver.local_addr().unwrap().port();
        receiver.join_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        let (sender, _) = socket().await;
        SockRef::from(&sender).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        sender.set_multicast_loop_v4(true).unwrap();
        assert!(sender.multicast_loop_v4().unwrap());
        sender.set_multicast_ttl_v4(0).unwrap(); // it does not leave this machine
        assert_eq!(sender.multicast_ttl_v4().unwrap(), 0);
        sender.send_to(b"to all", (group, port)).await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(fail_after(LONG, receiver.receive(&mut buffer)).await.unwrap().unwrap().length, 6);
        receiver.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        assert!(receiver.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).is_err(), "it was left");
        assert!(receiver.join_multicast_v4(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST).is_err(), "that is no group");
        if let Ok(v6) = UdpSocket::bind("[::1]:0").await {
            assert!(v6.join_multicast_v6(Ipv6Addr::LOCALHOST, 0).is_err());
            assert!(v6.leave_multicast_v6("ff02::7:7".parse().unwrap(), 0).is_err());
            v6.set_multicast_loop_v6(false).unwrap();
            assert!(!v6.multicast_loop_v6().unwrap());
        }
    });
}

#[test]
fn to_send_to_all_has_to_be_allowed() {
    run(async {
        let (sender, _) = socket().await;
        assert!(!sender.broadcast().unwrap());
        let all = SocketAddr::from(([255, 255, 255, 255], 9));
        assert!(sender.send_to(b"x", all).await.is_err());
        sender.set_broadcast(true).unwrap();
        assert!(sender.broadcast().unwrap());
    });
}

#[test]
fn options_are_set_and_told() {
    run(async {
        let (socket, _) = socket().await;
        socket.set_ttl(7).unwrap();
        assert_eq!(socket.ttl().unwrap(), 7);
        socket.set_send_buffer_size(20_000).unwrap();
        socket.set_receive_buffer_size(20_000).unwrap();
        assert!(socket.send_buffer_size().unwrap() >= 20_000 && socket.receive_buffer_size().unwrap() >= 20_000);
    });
}

#[test]
fn of_several_addresses_the_first_that_will_do_is_taken_and_each_has_its_error() {
    run(async {
        let taken = socket().await.0;
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let bound = UdpSocket::bind([taken.local_addr().unwrap(), free]).await.unwrap();
        let error = UdpSocket::bind([taken.local_addr().unwrap(); 2]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert_eq!(AddressErrors::of(&error).unwrap().iter().count(), 2);
        assert_eq!(kind(UdpSocket::bind("no port").await), Some(ErrorKind::InvalidInput));
        let v6 = "[::1]:9".parse().unwrap();
        bound.connect([v6, taken.local_addr().unwrap()]).await.unwrap();
        assert_eq!(bound.peer_addr().unwrap(), taken.local_addr().unwrap());
        let (by_name, to) = (UdpSocket::bind("localhost:0").await.unwrap(), taken.local_addr().unwrap().port());
        if by_name.local_addr().unwrap().is_ipv4() {
            by_name.connect(("localhost", to)).await.unwrap();
        }
    });
}

#[test]
fn sockets_of_the_standard_library_are_taken_over_and_given_back() {
    let socket = net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let clone = socket.try_clone().unwrap();
    let address = socket.local_addr().unwrap();
    run(async {
        let ours = UdpSocket::from(socket);
        assert!(move_on_after(SOON, ours.receive(&mut [0])).await.is_none());
        clone.set_nonblocking(false).unwrap();
        assert!(move_on_after(SOON, ours.receive(&mut [0])).await.is_none(), "it never blocks the thread");
        let back = ours.into_std().unwrap();
        back.send_to(b"x", address).unwrap();
        assert_eq!(back.recv(&mut [0]).unwrap(), 1, "in blocking mode");
    });
}
