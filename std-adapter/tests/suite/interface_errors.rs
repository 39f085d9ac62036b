//! What the interface, and not the peer, has to say against a connection.

use std::io::ErrorKind;

use crate::common::{kind, pair};
use giambio::net::{ConnectOptions, ListenOptions, TcpListener, TcpStream};
use giambio::run;

/// An address that is nobody's, and certainly not ours (RFC 5737).
const NOT_OURS: &str = "192.0.2.1:0";

#[test]
fn listening_at_an_address_that_is_not_ours_is_an_error() {
    run(async {
        assert_eq!(kind(TcpListener::bind(NOT_OURS).await), Some(ErrorKind::AddrNotAvailable));
        let options = ListenOptions::new().backlog(i32::MAX);
        assert_eq!(kind(options.bind(NOT_OURS).await), Some(ErrorKind::AddrNotAvailable));
    });
}

#[test]
fn connecting_from_an_address_that_is_not_ours_is_an_error() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = ConnectOptions::new().local_address(NOT_OURS.parse().unwrap());
        let error = kind(options.connect(listener.local_addr().unwrap()).await);
        assert_eq!(error, Some(ErrorKind::AddrNotAvailable));
        assert!(listener.try_accept().is_err(), "nobody came");
    });
}

/// The next of several addresses is tried where the interface refuses one, and the last error is told.
#[test]
fn an_interface_that_refuses_is_passed_over() {
    run(async {
        let good = TcpListener::bind([NOT_OURS.parse().unwrap(), "127.0.0.1:0".parse().unwrap()]).await.unwrap();
        assert!(good.local_addr().unwrap().ip().is_loopback());
        // The families don't go together.
        let options = ConnectOptions::new().local_address("[::1]:0".parse().unwrap());
        assert!(options.connect(good.local_addr().unwrap()).await.is_err());
        assert!(TcpStream::connect(good.local_addr().unwrap()).await.is_ok());
    });
}

#[test]
fn options_that_the_system_refuses_are_errors_and_the_connection_lives_on() {
    run(async {
        let (client, server) = pair().await;
        assert!(client.set_ttl(0).is_err());
        assert!(client.set_ttl(1_000_000).is_err());
        client.send_all(b"still here").await.unwrap();
        let mut buffer = [0; 10];
        server.receive_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"still here");
    });
}
