//! The server that ends in order, with real clients and signals.
#![cfg(unix)]

mod common;

use std::net::TcpStream;

use common::programs::example;
use common::server::Server;
use common::{Client, eventually};
use rustix::process::Signal;

fn start() -> Server {
    Server::start_as(example("21_graceful_server").arg("127.0.0.1:0"))
}

/// One who is idle: its first order is done.
fn served(server: &Server) -> Client {
    let mut client = Client::connect(server.address);
    client.send("0\n");
    client.expect("0 ms of work are done\n");
    client
}

/// One whose order is being worked at: it came together with one that is done.
fn busy(server: &Server, order: &str) -> Client {
    let mut client = Client::connect(server.address);
    client.send(&format!("0\n{order}\n"));
    client.expect("0 ms of work are done\n");
    client
}

fn is_refused(server: &Server) -> bool {
    TcpStream::connect(server.address).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

#[test]
fn the_first_signal_lets_go_who_is_idle_and_finishes_what_was_begun() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = start();
        let (mut idle, mut busy) = (served(&server), busy(&server, "1500"));
        server.signal(signal);
        assert_eq!(idle.rest(), "", "who is idle has nothing to wait for");
        eventually("nobody can connect", || is_refused(&server));
        assert_eq!(busy.rest(), "1500 ms of work are done\n");
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(0));
        // On a busy machine its watchdog may have something to say, too.
        let said: Vec<&String> = ended.log[1..].iter().filter(|line| !line.starts_with("giambio: ")).collect();
        assert_eq!(said, ["Stopping: nobody is accepted any more", "All have ended: 2 clients came, 0 were cut off"]);
    }
}

#[test]
fn the_second_signal_cuts_off_what_goes_on() {
    let server = start();
    let mut busy = busy(&server, "100000");
    server.signal(Signal::TERM);
    server.await_log("Stopping");
    server.signal(Signal::TERM);
    assert_eq!(busy.rest(), "");
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.log.last().unwrap(), "Interrupted: 1 clients came, 1 were cut off");
}

#[test]
fn an_order_that_makes_no_sense_ends_its_client_alone() {
    let server = start();
    let (mut one, mut other) = (served(&server), served(&server));
    one.send("much\n");
    assert_eq!(one.rest(), "");
    server.await_log("\"much\" is no number");
    other.send("1\n");
    other.expect("1 ms of work are done\n");
}
