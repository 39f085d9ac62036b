//! The examples of files and streams, as processes: `tail`, a copy, a proxy and a `nc`.
#![cfg(unix)]

mod common;

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;

use common::programs::{Running, example};
use common::server::Server;

fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("giambio-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What is typed ends, and only then the server answers, at the other end of a proxy.
#[test]
fn what_is_typed_goes_through_a_proxy_and_the_answer_to_its_end_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        client.read_to_end(&mut asked).unwrap();
        client.write_all(&asked).unwrap();
        client.write_all(b" is all").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    });
    let proxy = Server::start_as(example("17_proxy").args(["127.0.0.1:0", &there.to_string()]));
    let mut command = example("18_nc");
    command.arg(proxy.address.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut nc = Running(command.spawn().unwrap());
    let typed = "x".repeat(100_000);
    nc.0.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let mut shown = String::new();
    nc.0.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    assert!(shown == format!("{typed} is all"), "{} bytes", shown.len());
    assert!(nc.0.wait().unwrap().success());
    server.join().unwrap();
    proxy.press_ctrl_c();
    assert!(proxy.wait().status.success());
}

/// The server hangs up while the input is open: nobody waits for that.
#[test]
fn a_server_that_hangs_up_ends_what_is_typed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = example("18_nc");
    command.arg(listener.local_addr().unwrap().to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut nc = Running(command.spawn().unwrap());
    let input = nc.0.stdin.take();
    listener.accept().unwrap().0.write_all(b"good bye\n").unwrap();
    let mut shown = String::new();
    nc.0.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    assert_eq!(shown, "good bye\n");
    assert!(nc.0.wait().unwrap().success());
    drop(input);
}

#[test]
fn what_is_added_to_a_file_is_shown() {
    let folder = folder("tail");
    let path = folder.join("log");
    fs::write(&path, "one\n").unwrap();
    let mut tail = Running(example("15_tail").arg(&path).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"two\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "two");
    fs::write(&path, "new\n").unwrap(); // it is shorter now
    assert_eq!(lines.next().unwrap().unwrap(), "new");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_copy_is_like_what_was_copied() {
    let folder = folder("copy");
    let (from, to) = (folder.join("from"), folder.join("to"));
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(&from, &bytes).unwrap();
    let copied = example("16_copy").args([&from, &to]).output().unwrap();
    assert!(copied.status.success());
    assert_eq!(String::from_utf8_lossy(&copied.stdout), "10000000 bytes copied\n");
    assert!(fs::read(&to).unwrap() == bytes);
    let failed = example("16_copy").args([folder.join("missing"), to]).output().unwrap();
    assert!(!failed.status.success() && String::from_utf8_lossy(&failed.stderr).contains("missing"));
    fs::remove_dir_all(&folder).unwrap();
}
