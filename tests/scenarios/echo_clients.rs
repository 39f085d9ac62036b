//! The echo server and its clients, polite and not.
#![cfg(unix)]

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use common::programs::{runs_in_wine, scaled};
use common::server::Server;
use common::{Client, WELCOME, without_decoration};

#[test]
fn three_clients_are_served_at_once() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.echo(&format!("{number} says {round}\n"));
        }
        clients.rotate_left(1);
    }
    for client in &mut clients {
        client.send("all at once\n");
    }
    for client in &mut clients {
        client.expect("Got: all at once\n-> ");
    }
    for client in clients {
        assert_eq!(client.leave(), "");
    }
}

#[test]
fn the_log_is_in_the_words_of_the_tutorial() {
    let server = Server::start();
    let mut client = server.client();
    let name = client.name();
    client.echo("async server test\n");
    client.echo("it's \0 binary\\\r\n");
    client.leave();
    server.await_log("closed");
    let expected = [
        format!("INFO Serving asynchronously at {}", server.address),
        format!("INFO {name} connected"),
        format!(r"INFO Got: b'async server test\n' from {name}"),
        format!(r"INFO Echoed back b'async server test\n' to {name}"),
        format!(r"INFO Got: b'it\'s \x00 binary\\\r\n' from {name}"),
        format!(r"INFO Echoed back b'it\'s \x00 binary\\\r\n' to {name}"),
        format!("INFO Connection from {name} closed"),
    ];
    assert_eq!(server.log(), expected);
}

#[test]
fn a_thousand_clients_are_served_at_once() {
    common::system::raise_descriptor_limit();
    let server = Server::start_quiet(&[]);
    let mut clients: Vec<Client> = (0..scaled(1000)).map(|_| Client::connect(server.address)).collect();
    for client in &mut clients {
        client.expect(WELCOME);
    }
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&format!("{number} in round {round}\n"));
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            client.expect(&format!("Got: {number} in round {round}\n-> "));
        }
    }
    drop(clients);
    server.assert_serves();
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let server = Server::start();
    let mut client = server.client();
    for byte in ["a", "b", "exi", "t\n", "\n"] {
        client.echo(byte); // each piece is answered for itself, as in the tutorial
    }
    // The same without waiting for the answers.
    let text = "typed by somebody who is in a hurry\n";
    for byte in text.split_inclusive(|_| true) {
        client.send(byte);
    }
    assert_eq!(without_decoration(&client.leave()), text);
}

#[test]
fn a_line_may_have_a_mebibyte() {
    const LINES: usize = 4;
    let server = Server::start_quiet(&[]);
    let mut client = server.client();
    let line: String = ('a'..='z').cycle().take(scaled(1 << 20)).chain(['\n']).collect();
    let mut socket = client.socket.try_clone().unwrap();
    let sender = thread::spawn({
        let line = line.clone();
        move || {
            for _ in 0..LINES {
                socket.write_all(line.as_bytes()).unwrap();
            }
            socket.shutdown(Shutdown::Write).unwrap();
        }
    });
    let answer = client.rest();
    sender.join().unwrap();
    assert!(without_decoration(&answer) == line.repeat(LINES), "the answer differs");
}

#[test]
fn a_client_that_never_reads_is_not_read_from() {
    let server = Server::start_quiet(&[]);
    let mut client = Client::connect(server.address);
    let sent = client.send_until_stuck();
    server.assert_serves();
    // It was only slow: everything is answered in the end.
    client.socket.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.socket.read_to_string(&mut answer).unwrap();
    let letters = answer.strip_prefix(WELCOME).unwrap().matches('x').count();
    assert_eq!(letters, sent);
}

#[test]
fn a_client_that_breaks_off_hurts_nobody() {
    let server = Server::start();
    let mut witness = server.client();
    for _ in 0..50 {
        // While the server waits for a message: the greeting was not read.
        let client = Client::connect(server.address);
        let name = client.name();
        client.reset();
        let line = server.await_log(&format!("Connection from {name} closed"));
        // Who waits for several sockets, Wine mostly tells of an end where there was a reset.
        assert!(line.starts_with("WARN") || (runs_in_wine() && line.starts_with("INFO")), "{line}");
        witness.echo("still here\n");
    }
    // While it is sending.
    let mut client = Client::connect(server.address);
    let name = client.name();
    client.socket.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    while client.socket.write(&[b'x'; 65536]).is_ok() {}
    client.reset();
    server.await_log(&format!("Connection from {name} closed"));
    witness.echo("still here\n");
    // Before it was even accepted, perhaps.
    for _ in 0..50 {
        drop(Client::connect(server.address));
    }
    witness.echo("still here\n");
    server.assert_serves();
}

#[test]
fn a_client_that_sends_no_more_gets_its_answers() {
    let server = Server::start();
    let mut client = Client::connect(server.address);
    client.send("hello");
    assert_eq!(client.leave(), format!("{WELCOME}Got: hello-> "));
}
