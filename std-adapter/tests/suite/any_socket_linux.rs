//! Sockets of any kind: of kinds that only Linux has.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use crate::common::{Place, kind, poll_once, settle};
use giambio::net::Socket;
use giambio::{fail_after, run};
use socket2::{Domain, Protocol, SockAddr, Type};

const LONG: Duration = Duration::from_secs(5);

/// A listener whose one place is taken says nothing to others.
#[test]
fn who_is_told_that_another_task_connects_does_not_end_what_that_one_waits_for() {
    run(async {
        let new = || socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let socket = new();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap();
        let first = new();
        first.connect(&address).unwrap();
        let listener = Socket::new(socket).unwrap();
        let client = Socket::new(new()).unwrap();
        let mut connect = Box::pin(client.connect(&address));
        assert!(poll_once(&mut connect).await.is_none());
        assert_eq!(kind(client.connect(&address).await), Some(ErrorKind::ResourceBusy));
        drop(connect);
        let mut connect = Box::pin(client.connect(&address));
        assert!(poll_once(&mut connect).await.is_none(), "it goes on where it was");
        fail_after(LONG, listener.accept()).await.unwrap().unwrap();
        // The system asks again after a second, and each time twice as long after that.
        fail_after(LONG, connect).await.unwrap().unwrap();
        fail_after(LONG, listener.accept()).await.unwrap().unwrap();
    });
}

/// One that was begun before it came here.
#[test]
fn a_connection_that_is_being_made_is_waited_for() {
    run(async {
        let new = || socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listener = new();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let (first, second) = (new(), new());
        first.connect(&address).unwrap();
        second.set_nonblocking(true).unwrap();
        assert!(second.connect(&address).is_err());
        let client = Socket::new(second).unwrap();
        let mut connect = Box::pin(client.connect(&address));
        assert!(poll_once(&mut connect).await.is_none());
        drop(listener.accept().unwrap());
        fail_after(LONG, connect).await.unwrap().unwrap();
    });
}

#[test]
fn packets_come_in_sequence_whole_or_cut_and_end() {
    let place = Place::new("seqpacket");
    let address = SockAddr::unix(&place.0).unwrap();
    run(async {
        let new = || socket2::Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        let socket = new();
        socket.bind(&address).unwrap();
        socket.listen(1).unwrap();
        let listener = Socket::new(socket).unwrap();
        let client = Socket::new(new()).unwrap();
        client.connect(&address).await.unwrap();
        let (server, _) = fail_after(LONG, listener.accept()).await.unwrap().unwrap();
        let mut buffer = [0; 8];
        let mut receive = Box::pin(server.receive(&mut buffer));
        assert!(poll_once(&mut receive).await.is_none());
        settle().await;
        for packet in [&b"one"[..], b"a longer one", b"two"] {
            assert_eq!(client.send(packet).await.unwrap(), packet.len());
        }
        assert_eq!(fail_after(LONG, receive).await.unwrap().unwrap().length, 3);
        let received = server.receive(&mut buffer).await.unwrap();
        assert!(received.length == 8 && received.is_cut && received.whole == Some(12));
        let (received, _) = server.receive_from(&mut buffer).await.unwrap();
        assert!(received.length == 3 && !received.is_cut);
        // Who has no room waits: for a packet, and for a connection.
        while client.try_send(&[0; 1000]).is_ok() {}
        let mut send = Box::pin(client.send(b"late"));
        assert!(poll_once(&mut send).await.is_none());
        while server.try_receive(&mut buffer).is_ok() {}
        assert_eq!(fail_after(LONG, send).await.unwrap().unwrap(), 4);
        assert_eq!(server.receive(&mut buffer).await.unwrap().length, 4);
        drop(client);
        assert_eq!(fail_after(LONG, server.receive(&mut buffer)).await.unwrap().unwrap().length, 0, "the end");

        let mut clients = Vec::new();
        let late = loop {
            let client = Box::leak(Box::new(Socket::new(new()).unwrap()));
            let mut connect = Box::pin(client.connect(&address));
            match poll_once(&mut connect).await {
                Some(connected) => {
                    connected.unwrap();
                    clients.push(&*client);
                }
                None => break connect,
            }
            assert!(clients.len() < 100, "there is room for everybody");
        };
        listener.accept().await.unwrap();
        fail_after(LONG, late).await.unwrap().unwrap();
    });
}

/// A question for all interfaces of the network, as the kernel wants it.
fn all_interfaces() -> [u8; 32] {
    let mut question = [0; 32];
    question[..4].copy_from_slice(&32_u32.to_ne_bytes());
    question[4..6].copy_from_slice(&18_u16.to_ne_bytes()); // RTM_GETLINK
    question[6..8].copy_from_slice(&0x301_u16.to_ne_bytes()); // NLM_F_REQUEST, NLM_F_DUMP
    question[8..12].copy_from_slice(&7_u32.to_ne_bytes()); // the number of the question
    question
}

#[test]
fn the_kernel_answers_by_netlink() {
    run(async {
        let new = || socket2::Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW, Some(Protocol::from(0))).unwrap();
        let kernel = Socket::new(new()).unwrap();
        let mut buffer = vec![0; 1 << 16];
        assert_eq!(kind(kernel.try_receive(&mut buffer)), Some(ErrorKind::WouldBlock));
        assert_eq!(kernel.send(&all_interfaces()).await.unwrap(), 32);
        let mut links = 0;
        'answers: loop {
            let (received, from) = fail_after(LONG, kernel.receive_from(&mut buffer)).await.unwrap().unwrap();
            assert!(!received.is_cut && i32::from(from.family()) == libc::AF_NETLINK);
            let mut rest = &buffer[..received.length];
            while rest.len() >= 16 {
                let length = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
                assert_eq!(rest[8..12], 7_u32.to_ne_bytes());
                match u16::from_ne_bytes(rest[4..6].try_into().unwrap()) {
                    3 => break 'answers,
                    16 => links += 1, // RTM_NEWLINK
                    other => panic!("what is {other}?"),
                }
                rest = &rest[length.next_multiple_of(4).min(rest.len())..];
            }
        }
        assert!(links > 0, "there is the loopback at least");

        let kernel = Socket::new(new()).unwrap();
        kernel.send(&all_interfaces()).await.unwrap();
        let received = fail_after(LONG, kernel.receive(&mut buffer[..32])).await.unwrap().unwrap();
        assert!(received.length == 32 && received.is_cut && received.whole.unwrap() > 32, "{received:?}");
    });
}
