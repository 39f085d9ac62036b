//! Datagrams between programs of one machine.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use crate::common::{Place, kind, poll_once, settle};
use futures_lite::future::zip;
use giambio::net::unix::UnixDatagram;
use giambio::net::{Closed, TooLong};
use giambio::{fail_after, move_on_after, run, sleep};

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(5);

#[test]
fn a_pair_exchanges_datagrams_whole_cut_and_empty() {
    run(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        assert!(one.local_addr().unwrap().is_unnamed());
        let mut buffer = [0; 16];
        let mut receive = Box::pin(other.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        one.send(b"hello").await.unwrap();
        assert_eq!(fail_after(LONG, receive).await.unwrap().unwrap().length, 5);
        for text in [&b"0123456789"[..], b"", b"last"] {
            one.try_send(text).unwrap();
        }
        assert!(other.peek(&mut buffer[..4]).await.unwrap().is_cut);
        let (received, from) = other.receive_from(&mut buffer[..4]).await.unwrap();
        assert!(received.is_cut && received.length == 4 && matches!(received.whole, Some(10) | None));
        assert!(from.is_unnamed());
        let received = other.receive(&mut buffer).await.unwrap();
        assert!(received.length == 0 && !received.is_cut, "a datagram of nothing");
        assert_eq!(other.receive(&mut buffer).await.unwrap().length, 4);
        assert_eq!(kind(other.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn who_is_bound_can_be_sent_to_and_answered() {
    let (place, home) = (Place::new("bound"), Place::new("home"));
    run(async {
        let server = UnixDatagram::bind(&place.0).unwrap();
        let client = UnixDatagram::bind(&home.0).unwrap();
        client.send_to(b"question", &place.0).await.unwrap();
        let mut buffer = [0; 16];
        let (received, from) = server.receive_from(&mut buffer).await.unwrap();
        assert_eq!((received.length, from.as_pathname()), (8, Some(&*home.0)));
        server.send_to_addr(b"answer", &from).await.unwrap();
        client.connect(&place.0).unwrap();
        assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*place.0));
        assert_eq!(client.receive(&mut buffer).await.unwrap().length, 6);
        client.send(b"thanks").await.unwrap();
        assert_eq!(server.receive(&mut buffer).await.unwrap().length, 6);
        server.try_send_to_addr(b"bye", &from).unwrap();

        assert_eq!(kind(UnixDatagram::bind(&place.0)), Some(ErrorKind::AddrInUse));
        drop(server);
        assert!(place.0.exists(), "it is left there");
        assert_eq!(kind(client.send_to(b"x", &place.0).await), Some(ErrorKind::ConnectionRefused));
        fs::remove_file(&place.0).unwrap();
        assert_eq!(kind(UnixDatagram::unbound().unwrap().send_to(b"x", &place.0).await), Some(ErrorKind::NotFound));
    });
}

#[test]
fn who_finds_no_room_waits_for_it_connected_or_not() {
    let place = Place::new("full");
    run(async {
        let server = UnixDatagram::bind(&place.0).unwrap();
        for is_connected in [false, true] {
            let client = UnixDatagram::unbound().unwrap();
            let mut full = 0;
            if is_connected {
                client.connect(&place.0).unwrap();
                while client.try_send(b"x").is_ok() {
                    full += 1;
                }
            } else {
                while let Some(sent) = move_on_after(SOON, client.send_to(b"x", &place.0)).await {
                    sent.unwrap();
                    full += 1;
                }
            }
            assert!(full > 0);
            let send = async {
                if is_connected { client.send(b"late").await } else { client.send_to(b"late", &place.0).await }
            };
            let receive = async {
                sleep(SOON).await;
                let mut buffer = [0; 8];
                for _ in 0..full {
                    assert_eq!(server.receive(&mut buffer).await.unwrap().length, 1);
                }
                server.receive(&mut buffer).await.unwrap().length
            };
            let (sent, last) = fail_after(LONG, zip(send, receive)).await.expect("it waits for ever");
            sent.unwrap();
            assert_eq!(last, 4, "what was given up was not sent");
        }
    });
}

#[test]
fn a_datagram_that_is_too_long_names_the_sizes() {
    let place = Place::new("long");
    run(async {
        let (one, _other) = UnixDatagram::pair().unwrap();
        let _server = UnixDatagram::bind(&place.0).unwrap();
        let long = vec![0; 8 << 20];
        for error in [one.send(&long).await.unwrap_err(), one.send_with_fds(&long, &[]).await.unwrap_err()] {
            let too_long = TooLong::of(&error).unwrap_or_else(|| panic!("{error}"));
            assert!(too_long.length == long.len() && too_long.longest.unwrap() < long.len());
        }
        let error = UnixDatagram::unbound().unwrap().send_to(&long, &place.0).await.unwrap_err();
        assert!(TooLong::of(&error).is_some(), "{error}");
    });
}

#[test]
fn closing_wakes_who_waits_and_every_later_call_says_so() {
    let place = Place::new("closed");
    run(async {
        let socket = UnixDatagram::bind(&place.0).unwrap();
        let mut buffer = [0; 8];
        let mut receive = Box::pin(socket.receive_with_fds(&mut buffer, 1));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await;
        socket.close();
        assert!(Closed::is_cause_of(&receive.await.unwrap_err()));
        for error in [
            socket.receive(&mut [0]).await.unwrap_err(),
            socket.send(b"x").await.unwrap_err(),
            socket.send_to(b"x", &place.0).await.unwrap_err(),
            socket.send_with_fds(b"x", &[]).await.unwrap_err(),
            socket.connect(&place.0).unwrap_err(),
        ] {
            assert!(Closed::is_cause_of(&error), "{error}");
        }
    });
}

#[test]
fn who_gives_up_at_any_moment_loses_nothing() {
    run(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        let (pipe, _writer) = std::io::pipe().unwrap();
        for polls in 0..3 {
            let mut buffer = [0; 8];
            let mut receive = Box::pin(other.receive_with_fds(&mut buffer, 4));
            for _ in 0..polls {
                assert!(poll_once(&mut receive).await.is_none());
                settle().await;
            }
            one.send_with_fds(b"with", &[std::os::fd::AsFd::as_fd(&pipe)]).await.unwrap();
            settle().await; // woken, and given up before it is polled
            drop(receive);
            let (received, passed) = fail_after(LONG, other.receive_with_fds(&mut buffer, 4)).await.unwrap().unwrap();
            assert_eq!((received.length, passed.fds.len(), passed.were_more), (4, 1, false));
        }
        // Who waits for room and gives up has sent nothing.
        let mut full = 0;
        while one.try_send(b"x").is_ok() {
            full += 1;
        }
        for polls in 0..3 {
            let mut send = Box::pin(one.send(b"given up"));
            for _ in 0..polls {
                assert!(poll_once(&mut send).await.is_none());
                settle().await;
            }
        }
        for _ in 0..full {
            assert_eq!(other.try_receive(&mut [0; 8]).unwrap().length, 1);
        }
        assert_eq!(kind(other.try_receive(&mut [0; 8])), Some(ErrorKind::WouldBlock));
    });
}

#[test]
fn a_path_of_its_own_goes_with_the_socket() {
    let place = Place::new("own");
    run(async {
        drop(UnixDatagram::bind(&place.0).unwrap());
        let server = UnixDatagram::bind_fresh(&place.0).unwrap();
        assert_eq!(kind(UnixDatagram::bind_fresh(&place.0)), Some(ErrorKind::AddrInUse));
        let client = UnixDatagram::unbound().unwrap();
        client.send_to(b"hello", &place.0).await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(fail_after(LONG, server.receive(&mut buffer)).await.unwrap().unwrap().length, 5);
        server.close();
        assert!(!place.0.exists());
    });
}
