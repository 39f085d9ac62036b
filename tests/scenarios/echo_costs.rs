//! What the echo server costs: nothing while idle, three system calls a message, little memory, whatever clients do.
#![cfg(target_os = "linux")]

mod common;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::programs::{example, words};
use common::server::Server;
use common::system::{cpu_time, descriptors, memory, raise_descriptor_limit, waits};
use common::{Client, WELCOME, eventually};
use rustix::process::Signal;

#[test]
fn an_idle_server_does_not_wake() {
    let server = Server::start();
    let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
    clients[0].echo("hello\n");
    std::thread::sleep(Duration::from_millis(200)); // it goes to sleep
    let before = (waits(server.process_id()), cpu_time(server.process_id()));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((waits(server.process_id()), cpu_time(server.process_id())), before);
    clients[0].echo("awake?\n");
}

/// Its own thread sleeps while the loop does, and is awake while that is.
#[test]
fn a_watchdog_over_an_idle_server_does_not_wake() {
    let server = Server::start_as(example("21_graceful_server").arg("127.0.0.1:0"));
    let mut client = Client::connect(server.address);
    for order in 1..=2 {
        client.send(&format!("{order}\n"));
        client.expect(&format!("{order} ms of work are done\n"));
        eventually("all threads are asleep for a second", || {
            let before = waits(server.process_id());
            std::thread::sleep(Duration::from_secs(1));
            waits(server.process_id()) == before
        });
    }
}

/// The system calls of a process, by strace, which writes one a line.
struct Trace {
    path: PathBuf,
}

impl Trace {
    fn new(name: &str) -> Trace {
        Trace { path: env::temp_dir().join(format!("giambio-{name}-{}", std::process::id())) }
    }

    /// The server under strace; `None` if this machine can't.
    fn start(&self) -> Option<Server> {
        let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
        if !works.is_ok_and(|output| output.status.success()) {
            let is_ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
            assert!(!is_ci, "strace is missing or may not trace; Debian, Ubuntu: apt-get install strace");
            eprintln!("SKIPPED: strace is missing or may not trace; Debian, Ubuntu: apt-get install strace");
            return None;
        }
        // `-D`: the server is the process we start, and strace its tracer on the side.
        Some(Server::start_quiet(&["strace", "-D", "-f", "-o", self.path.to_str().unwrap()]))
    }

    /// The calls after the one that has `first` in it, up to the one that has `last`.
    fn between(&self, first: &str, last: &str) -> Vec<String> {
        let read = || fs::read_to_string(&self.path).unwrap();
        eventually("strace has written everything", || read().contains(last));
        let text = read();
        let lines =
            text.lines().skip_while(|line| !line.contains(first)).skip(1).take_while(|line| !line.contains(last));
        lines.map(str::to_owned).collect()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn a_message_takes_three_system_calls() {
    const MESSAGES: usize = 100;
    let trace = Trace::new("messages");
    let Some(server) = trace.start() else { return };
    let mut client = server.client();
    client.echo("the very first wait registers the socket\n");
    client.echo("first\n");
    for _ in 0..MESSAGES {
        client.echo("a message\n");
    }
    client.echo("last\n");
    let calls = trace.between(r#""Got: first"#, r#""Got: last"#);
    // Those of the last message, up to its answer, are in it too: wait, receive. And on a busy machine the system may tell
    // now and then that a socket can send again, which ends a wait.
    assert!(
        calls.len() <= 3 * MESSAGES + 2 + MESSAGES / 20,
        "{} calls for {MESSAGES} messages: {:#?}",
        calls.len(),
        &calls[..20]
    );
}

#[test]
fn messages_that_come_together_share_a_wait() {
    const CLIENTS: usize = 50;
    let trace = Trace::new("together");
    let Some(server) = trace.start() else { return };
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| server.client()).collect();
    let mut rounds = 0;
    for round in 0..5 {
        // So that all messages are there when it looks.
        server.signal(Signal::STOP);
        for client in &mut clients {
            client.send(&format!("round {round}\n"));
        }
        server.signal(Signal::CONT);
        for client in &mut clients {
            client.expect(&format!("Got: round {round}\n-> "));
        }
        rounds = round;
    }
    server.press_ctrl_c();
    server.wait();
    // The first answer of a round follows the wait and the receipt that belong to it.
    let calls = trace.between(r#""Got: round 0"#, "SIGINT");
    let of_messages = calls.iter().filter(|call| !call.contains("SIGSTOP") && !call.contains("SIGCONT")).count();
    let messages = CLIENTS * (rounds + 1);
    // 2.05 a message. Being stopped and continued ends a wait, once a round.
    let limit = messages * 205 / 100 + (rounds + 2);
    assert!(of_messages <= limit, "{of_messages} calls for {messages} messages, limit {limit}: {calls:#?}");
}

#[test]
fn without_descriptors_it_serves_those_it_has_and_the_others_later() {
    const CLIENTS: usize = 100;
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).args(words("echo_server")).arg("127.0.0.1:0");
    let server = Server::start_as(&mut command);
    let own = descriptors(server.process_id());
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(server.address)).collect();
    let last = format!("/proc/{}/fd/39", server.process_id());
    eventually("all descriptors are in use", || fs::exists(&last).unwrap());
    let rest = clients.split_off(descriptors(server.process_id()) - own);
    for client in &mut clients {
        client.expect(WELCOME);
        client.echo("hello\n");
    }
    let (cpu, bytes) = (cpu_time(server.process_id()), memory(server.process_id()));
    std::thread::sleep(Duration::from_secs(1));
    let spent = cpu_time(server.process_id()) - cpu;
    assert!(spent <= Duration::from_millis(100), "it spent {spent:?} of a second on waiting");
    clients[0].echo("still served\n");
    drop(clients);
    for mut client in rest {
        client.expect(WELCOME);
        client.echo("hello at last\n");
        assert_eq!(client.leave(), "");
    }
    eventually("all are closed", || descriptors(server.process_id()) == own);
    assert!(memory(server.process_id()) < bytes + (256 << 10));
    server.assert_serves();
}

#[test]
fn a_client_that_never_reads_takes_no_memory() {
    let server = Server::start_quiet(&[]);
    server.assert_serves();
    let before = memory(server.process_id());
    let mut client = Client::connect(server.address);
    let sent = client.send_until_stuck();
    server.assert_serves();
    let grown = memory(server.process_id()).saturating_sub(before);
    assert!(grown < 64 << 10, "the server holds {grown} bytes for {sent} that were sent");
}

#[test]
fn ten_thousand_idle_connections_take_little_memory() {
    let ours = raise_descriptor_limit() - 300; // the other tests need some
    let connections = ours.min(10_000) as usize;
    let server = Server::start_quiet(&[]);
    let own = descriptors(server.process_id());
    let connect = || {
        let mut clients: Vec<Client> = (0..connections).map(|_| Client::connect(server.address)).collect();
        clients.iter_mut().for_each(|client| client.expect(WELCOME));
        clients
    };
    let before = memory(server.process_id());
    let mut clients = connect();
    let taken = memory(server.process_id()) - before;
    let each = taken / connections;
    println!("{connections} connections take {each} bytes each");
    // 1,032 of them are the buffer for a message and its answer, 24 the name of its task.
    assert!(each < 1032 + 24 + 455, "{each} bytes a connection");
    clients[connections / 2].echo("anybody there?\n");
    drop(clients);
    eventually("all are closed", || descriptors(server.process_id()) == own);

    // The next ones take the same memory again.
    let clients = connect();
    let again = memory(server.process_id()) - before;
    assert!(again < taken + taken / 20, "{taken} bytes at first, then {again}");
    drop(clients);
    eventually("all are closed", || descriptors(server.process_id()) == own);
    server.assert_serves();
}
