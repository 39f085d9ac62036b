//! Addresses on one machine that are no paths, which only Linux has.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{self as std_net, SocketAddr};

use crate::common::kind;
use giambio::net::unix::{UnixDatagram, UnixListener, UnixStream};
use giambio::run;
use rustix::net::{SocketAddrUnix, bind};
use std::io::ErrorKind;

fn name(text: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(format!("giambio {text} {}", std::process::id())).unwrap()
}

#[test]
fn a_stream_and_a_datagram_get_to_a_name_that_is_no_path() {
    run(async {
        let address = name("streams");
        let listener = UnixListener::bind_addr(&address).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_abstract_name(), address.as_abstract_name());
        assert_eq!(kind(UnixListener::bind_addr(&address)), Some(ErrorKind::AddrInUse));
        let client = UnixStream::connect_addr(&address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.send_all(b"x").await.unwrap();
        server.receive_exact(&mut [0]).await.unwrap();
        drop(listener);
        assert_eq!(kind(UnixStream::connect_addr(&address).await), Some(ErrorKind::ConnectionRefused));
        UnixListener::bind_addr(&address).unwrap(); // it went with its socket

        let (there, here) = (name("there"), name("here"));
        let (server, client) = (UnixDatagram::bind_addr(&there).unwrap(), UnixDatagram::bind_addr(&here).unwrap());
        client.send_to_addr(b"question", &there).await.unwrap();
        let mut buffer = [0; 16];
        let (received, from) = server.receive_from(&mut buffer).await.unwrap();
        assert_eq!((received.length, from.as_abstract_name()), (8, here.as_abstract_name()));
        server.connect_addr(&from).unwrap();
        server.send(b"answer").await.unwrap();
        assert_eq!(client.receive(&mut buffer).await.unwrap().length, 6);
    });
}

#[test]
fn an_address_without_a_name_leads_nowhere() {
    run(async {
        let (one, _other) = UnixDatagram::pair().unwrap();
        let nobody = one.local_addr().unwrap();
        assert!(nobody.is_unnamed());
        assert_eq!(kind(one.send_to_addr(b"x", &nobody).await), Some(ErrorKind::InvalidInput));
        assert_eq!(kind(UnixStream::connect_addr(&nobody).await), Some(ErrorKind::InvalidInput));
    });
}

/// Linux lets a path fill its whole field, with no room for the NUL behind it. Neither the standard library nor rustix has
/// such an address.
#[test]
fn a_datagram_whose_sender_can_not_be_named_is_received_all_the_same() {
    let mut path = std::env::temp_dir().join(format!("giambio-full-{}-", std::process::id())).into_os_string();
    path.push("x".repeat(108 - path.len()));
    let sender = std_net::UnixDatagram::unbound().unwrap();
    bind(&sender, &SocketAddrUnix::new(path.as_os_str()).unwrap()).unwrap();
    run(async {
        let address = name("receiver");
        let server = UnixDatagram::bind_addr(&address).unwrap();
        let mut buffer = [0; 16];
        for text in ["one", "four"] {
            sender.send_to_addr(text.as_bytes(), &address).unwrap();
            let (seen, from) = server.peek_from(&mut buffer).await.unwrap();
            assert!(seen.length == text.len() && from.is_unnamed());
            let (received, from) = server.receive_from(&mut buffer).await.unwrap();
            assert!(&buffer[..received.length] == text.as_bytes() && from.is_unnamed());
        }
        sender.send_to_addr(b"last", &address).unwrap();
        assert_eq!(server.receive(&mut buffer).await.unwrap().length, 4);
    });
    std::fs::remove_file(path).unwrap();
}
