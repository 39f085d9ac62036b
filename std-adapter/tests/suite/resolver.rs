//! Names that somebody else than the system looks up.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::common::kind;
use giambio::net::{
    AddressErrors, ConnectOptions, ListenOptions, Resolve, SystemResolver, TcpListener, TcpStream, UdpSocket, lookup,
    with_resolver,
};
use giambio::{fail_after, move_on_after, nursery, run, sleep, testing};

const LONG: Duration = Duration::from_secs(5);

/// Finds two addresses for each name, and writes down who was asked for.
#[derive(Default)]
struct Fake {
    asked: RefCell<Vec<String>>,
}

impl Resolve for Fake {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.borrow_mut().push(host.to_owned());
        sleep(Duration::from_millis(1)).await;
        match host {
            "server.test" => {
                let here = SocketAddr::from(([127, 0, 0, 1], port));
                Ok(vec![here, here]) // twice: it counts once
            }
            "nobody.test" => Ok(Vec::new()),
            "silent.test" => std::future::pending().await,
            _ => Err(io::Error::other("nobody knows that name")),
        }
    }
}

#[test]
fn whatever_is_looked_up_by_name_is_looked_up_by_it() {
    let fake = Rc::new(Fake::default());
    run(with_resolver(fake.clone(), async {
        let listener = TcpListener::bind("server.test:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.port();
        TcpStream::connect(("server.test", port)).await.unwrap();
        ConnectOptions::new().connect(format!("server.test:{port}")).await.unwrap();
        assert_eq!(ListenOptions::new().bind_all("server.test:0").await.unwrap().len(), 1);
        let socket = UdpSocket::bind("server.test:0").await.unwrap();
        socket.connect(("server.test", 9)).await.unwrap();
        assert_eq!(lookup(("server.test", port)).await.unwrap(), [address]);
        assert_eq!(fake.asked.borrow_mut().drain(..).collect::<Vec<_>>(), ["server.test"; 7]);

        // In nurseries inside, too. Addresses are no names.
        let found: io::Result<()> = nursery(async |n| {
            n.spawn(async { lookup("server.test:1").await.map(|_| ()) });
            n.spawn(async move { TcpStream::connect(address).await.map(|_| ()) });
            Ok(())
        })
        .await;
        found.unwrap();
        assert_eq!(fake.asked.borrow().len(), 1);
    }));
    run(async { lookup("localhost:1").await.unwrap() }); // the system again
    assert_eq!(fake.asked.borrow().len(), 1);
}

#[test]
fn its_errors_are_told_as_they_are_and_no_address_is_one() {
    run(with_resolver(Fake::default(), async {
        assert_eq!(TcpStream::connect("unknown.test:1").await.unwrap_err().to_string(), "nobody knows that name");
        assert_eq!(TcpListener::bind("unknown.test:1").await.unwrap_err().to_string(), "nobody knows that name");
        assert_eq!(lookup("nobody.test:1").await.unwrap(), []);
        let error = TcpStream::connect("nobody.test:1").await.unwrap_err();
        assert!(error.kind() == io::ErrorKind::InvalidInput && AddressErrors::of(&error).is_none(), "{error}");
        assert!(kind(lookup("no port").await).is_some());
    }));
}

#[test]
fn one_that_never_answers_is_given_up() {
    run(with_resolver(Fake::default(), async {
        let short = Duration::from_millis(10);
        assert!(move_on_after(short, TcpStream::connect("silent.test:1")).await.is_none());
        assert!(move_on_after(short, TcpListener::bind("silent.test:1")).await.is_none());
        assert!(!lookup("server.test:1").await.unwrap().is_empty());
    }));
}

#[test]
fn cut_off_anywhere_it_can_be_asked_again() {
    let fake = Rc::new(Fake::default());
    let resolver = fake.clone();
    let cut = testing::cancel_everywhere(
        || with_resolver(resolver.clone(), async { lookup("server.test:7").await.unwrap() }),
        |found| assert!(found.is_none_or(|found| found.len() == 1)),
    );
    assert!(cut > 0 && !fake.asked.borrow().is_empty());
    drop(resolver);
    assert_eq!(Rc::strong_count(&fake), 1, "nothing is kept");
}

#[test]
fn the_innermost_is_asked_and_may_ask_the_system() {
    struct System;
    impl Resolve for System {
        async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            SystemResolver.resolve("localhost", port).await
        }
    }
    run(with_resolver(Fake::default(), async {
        let found = fail_after(LONG, with_resolver(System, lookup("unknown.test:5"))).await.unwrap().unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 5));
        assert!(lookup("unknown.test:5").await.is_err());
    }));
}
