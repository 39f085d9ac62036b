//! How the echo server begins and ends: arguments, Ctrl+C, `exit`, exit status, log.
#![cfg(unix)]

mod common;

use std::net::TcpListener;
use std::process::{Output, Stdio};

use common::programs::{Running, example};
use common::server::Server;
use common::{Client, WELCOME, eventually};

fn output(arguments: &[&str]) -> Output {
    example("echo_server").args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn ctrl_c_unwinds_everything_and_exits_in_order() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
    clients[0].echo("hello\n");
    // One is in the middle of an answer, which nobody reads.
    clients[1].socket.set_write_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    while std::io::Write::write(&mut clients[1].socket, &[b'x'; 65536]).is_ok() {}
    server.press_ctrl_c();
    assert_eq!(clients[0].rest(), "");
    assert_eq!(clients[2].rest(), "");
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.log.last().unwrap(), "INFO Ctrl+C detected, exiting");
    assert_eq!(ended.log.iter().filter(|line| line.contains("exiting")).count(), 1);
    assert!(ended.log[0].contains("Serving"), "{:?}", ended.log[0]);
}

#[test]
fn ctrl_c_ends_a_server_that_has_nothing_to_do() {
    let server = Server::start();
    server.press_ctrl_c();
    let address = server.address;
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(
        ended.log,
        [format!("INFO Serving asynchronously at {address}"), "INFO Ctrl+C detected, exiting".into()]
    );
}

#[test]
fn exit_ends_the_server_with_an_error() {
    let server = Server::start();
    let mut bystander = server.client();
    let mut client = server.client();
    let name = client.name();
    client.echo("exit please\n"); // only the word alone counts
    client.send("exit\n");
    assert_eq!(client.rest(), "Shutting down the server\n");
    assert_eq!(bystander.rest(), "");
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.log.last().unwrap(), &format!("ERROR Exiting due to a shutdown request from {name}"));
}

#[test]
fn who_says_exit_need_not_wait_for_the_answer() {
    let server = Server::start();
    let mut client = Client::connect(server.address);
    client.send("exit\n");
    drop(client);
    assert_eq!(server.wait().status.code(), Some(1));
}

#[test]
fn port_0_is_one_that_the_log_tells() {
    let first = Server::start();
    let second = Server::start();
    assert_ne!(first.address, second.address);
    first.assert_serves();
    second.assert_serves();
    assert_eq!(first.log()[0], format!("INFO Serving asynchronously at {}", first.address));
}

#[test]
fn a_name_is_looked_up() {
    let server = Server::start_as(example("echo_server").arg("localhost:0"));
    assert_eq!(server.log()[0], format!("INFO Serving asynchronously at localhost:{}", server.address.port()));
    server.assert_serves(); // at its address of IPv4
}

#[test]
fn an_address_in_use_is_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = output(&[&address]);
    assert_eq!(ended.status.code(), Some(1));
    let text = String::from_utf8(ended.stderr).unwrap();
    assert!(text.contains("Exiting due to a bind error") && text.contains(&address), "{text}");
    // By its number on Windows, for Wine lacks the words.
    assert!(text.to_lowercase().contains("in use") || text.contains("os error 10048"), "{text}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for (arguments, why) in [
        (&["localhost"][..], "port is missing"),
        (&["localhost:http"], "not a number"),
        (&["localhost:99999"], "not a number"),
        (&["127.0.0.1:0", "127.0.0.1:0"], "unexpected"),
        (&["--loud"], "--loud"),
    ] {
        let ended = output(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(ended.stderr).unwrap();
        assert!(text.contains(why), "{arguments:?}: {text}");
    }
}

#[test]
fn help_tells_the_default() {
    let ended = output(&["--help"]);
    assert_eq!(ended.status.code(), Some(0));
    let text = String::from_utf8(ended.stdout).unwrap();
    assert!(text.contains("[ADDRESS:PORT]") && text.contains("[default: localhost:1500]"), "{text}");
}

#[test]
fn less_is_logged_if_less_is_wanted() {
    let quiet = Server::start_quiet(&[]);
    quiet.assert_serves();
    quiet.press_ctrl_c();
    let ended = quiet.wait();
    assert_eq!((ended.status.code(), ended.log), (Some(0), vec![]));

    let quiet = Server::start_quiet(&[]);
    let mut client = quiet.client();
    client.send("exit\n");
    let ended = quiet.wait();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.log, [format!("ERROR Exiting due to a shutdown request from {}", client.name())]);
}

#[test]
fn the_environment_says_how_much_is_logged() {
    let server = Server::start_unannounced(&["env", "RUST_LOG=warn"], &[]);
    let mut client = Client::connect(server.address);
    let name = client.name();
    client.send_until_stuck();
    client.reset(); // while the server is sending
    let line = server.await_log("closed");
    assert!(line.starts_with(&format!("WARN Connection from {name} closed: ")), "{line}");
    server.press_ctrl_c();
    assert_eq!(server.wait().log, [line]);
}

#[test]
fn a_log_that_nobody_reads_any_more_is_no_reason_to_stop() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = example("echo_server");
    command.arg(address.to_string()).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut process = Running(command.spawn().unwrap());
    drop(process.0.stderr.take());
    eventually("it listens", || std::net::TcpStream::connect(address).is_ok());
    let mut client = Client::connect(address);
    client.expect(WELCOME);
    client.echo("hello\n");
    client.send("exit\n");
    assert_eq!(client.rest(), "Shutting down the server\n");
    assert_eq!(process.0.wait().unwrap().code(), Some(1));
}
