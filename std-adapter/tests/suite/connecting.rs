//! Several addresses, of which some are silent: a listener whose backlog is full lets nobody in and says nothing.

use std::io::ErrorKind;
use std::net::{self, SocketAddr};
use std::time::Duration;

use crate::common::kind;
use giambio::net::{AddressErrors, ConnectOptions, ListenOptions, TcpListener, TcpStream};
use giambio::{fail_after, move_on_after, run};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const LONG: Duration = Duration::from_secs(30);

/// Somebody who never answers, until connections are accepted.
struct Silent {
    listener: TcpListener,
    address: SocketAddr,
    waiting: Vec<net::TcpStream>,
}

impl Silent {
    async fn at(ip: &str) -> Silent {
        let listener = ListenOptions::new().backlog(0).bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        // A backlog of 0 has one place. It is taken when there is a connection to accept, which may be later than the client
        // has it: what came between would be let in, or be lost by the listener alone.
        let waiting = vec![net::TcpStream::connect(address).unwrap()];
        let mut taken = [PollFd::new(&listener, PollFlags::IN)];
        assert_eq!(poll(&mut taken, Some(&Timespec { tv_sec: 30, tv_nsec: 0 })), Ok(1));
        Silent { listener, address, waiting }
    }

    /// How many connections to it are being made, in the whole system.
    fn attempts(&self) -> usize {
        let SocketAddr::V4(address) = self.address else { unreachable!() };
        // An emulated program has a system with the other order of bytes.
        let ip = u32::from_ne_bytes(address.ip().octets());
        let peers = [ip, ip.swap_bytes()].map(|ip| format!("{ip:08X}:{:04X}", address.port()));
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let is_attempt = |line: &&str| {
            let mut words = line.split_whitespace().skip(2);
            words.next().is_some_and(|peer| peers.iter().any(|known| known == peer)) && words.next() == Some("02")
        };
        table.lines().filter(is_attempt).count()
    }
}

/// Nobody asks these any more. One that was closed may be there for a moment: a program that another test starts has it, too,
/// until it runs. One that was forgotten the system asks for for more than a minute.
async fn assert_closed(silent: &[Silent]) {
    let closed = async {
        while silent.iter().any(|silent| silent.attempts() > 0) {
            giambio::sleep(Duration::from_millis(1)).await;
        }
    };
    fail_after(LONG, closed).await.expect("an attempt is not closed");
}

/// An address at which nobody listens.
fn refused() -> SocketAddr {
    net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn after_a_silent_address_the_next_is_tried_and_the_first_connection_wins() {
    run(async {
        let silent = Silent::at("127.0.0.2").await;
        let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = live.local_addr().unwrap();
        let addresses = [silent.address, silent.address, there];
        let stream = fail_after(LONG, TcpStream::connect(addresses)).await.expect("the silent one is waited for");
        assert_eq!(stream.unwrap().peer_addr().unwrap(), there);
        assert_closed(&[silent]).await;
    });
}

#[test]
fn the_first_address_is_still_waited_for_while_others_are_tried() {
    run(async {
        let silent = Silent::at("127.0.0.2").await;
        let other = Silent::at("127.0.0.3").await;
        let addresses = [silent.address, other.address];
        let both = futures_lite::future::zip(TcpStream::connect(addresses), async {
            while other.attempts() == 0 {
                giambio::sleep(Duration::from_millis(1)).await;
            }
            for _ in &silent.waiting {
                silent.listener.accept().await.unwrap();
            }
        });
        let (connected, ()) = fail_after(LONG, both).await.expect("it was given up");
        // The system asks again after a second.
        assert_eq!(connected.unwrap().peer_addr().unwrap(), silent.address);
        assert_closed(&[other]).await;
    });
}

#[test]
fn after_a_refusal_the_next_address_is_tried_at_once() {
    run(async {
        let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut addresses = vec![refused(); 1000];
        addresses.push(live.local_addr().unwrap());
        // A pause after each would make four minutes.
        fail_after(LONG, TcpStream::connect(addresses)).await.expect("pauses after refusals").unwrap();
    });
}

#[test]
fn a_connect_that_is_given_up_closes_all_that_it_began() {
    run(async {
        let silent = [Silent::at("127.0.0.2").await, Silent::at("127.0.0.3").await];
        let mut connect = Box::pin(TcpStream::connect([silent[0].address, silent[1].address]));
        while silent[1].attempts() == 0 {
            assert!(move_on_after(Duration::from_millis(1), &mut connect).await.is_none());
        }
        assert_eq!(silent[0].attempts(), 1);
        drop(connect);
        assert_closed(&silent).await;
    });
}

#[test]
fn each_address_may_be_given_a_time() {
    run(async {
        let silent = Silent::at("127.0.0.2").await;
        let options = ConnectOptions::new().attempt_timeout(Duration::from_millis(10));
        let one = fail_after(LONG, options.connect(silent.address)).await.expect("it waits for good");
        assert_eq!(kind(one), Some(ErrorKind::TimedOut));
        let nobody = refused();
        let error = fail_after(LONG, options.connect([silent.address, nobody])).await.expect("it waits for good");
        let error = error.unwrap_err();
        let errors: Vec<_> = AddressErrors::of(&error).unwrap().iter().map(|(a, error)| (a, error.kind())).collect();
        assert_eq!(errors, [(silent.address, ErrorKind::TimedOut), (nobody, ErrorKind::ConnectionRefused)]);
        assert_closed(&[silent]).await;
    });
}

#[test]
fn nobody_is_connected_to_itself() {
    run(async {
        // The system chooses such a port by itself, once in some thousand times. At this address no other test listens.
        let address = net::TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap();
        let connected = ConnectOptions::new().local_address(address).connect(address).await;
        assert_eq!(kind(connected), Some(ErrorKind::ConnectionRefused));
        let _there = TcpListener::bind(address).await.expect("nothing is left of it");
    });
}
