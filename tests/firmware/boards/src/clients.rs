//! Clients of the tutorial's echo server, as rude as they come.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const WELCOME: &[u8] = b"Welcome to the server pal, feel free to send me something!\n-> ";
const GOT: &[u8] = b"Got: ";
const PROMPT: &[u8] = b"-> ";

/// No answer takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(20);

/// A port of this machine that nobody uses.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it was bound").port()
}

#[track_caller]
fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT);
    let stream = stream.expect("connect");
    stream.set_read_timeout(Some(LIMIT)).expect("it is no zero");
    stream
}

#[track_caller]
fn send(stream: &mut TcpStream, data: &[u8]) {
    stream.write_all(data).expect("send");
}

/// The next that comes has to be this.
#[track_caller]
fn expect(stream: &mut TcpStream, data: &[u8]) {
    let mut buffer = vec![0; data.len()];
    if let Err(error) = stream.read_exact(&mut buffer) {
        panic!("{error}, but expected {}", data.escape_ascii());
    }
    assert!(buffer == data, "{} came, but expected {}", buffer.escape_ascii(), data.escape_ascii());
}

/// Says something, and leaves.
#[track_caller]
pub fn talk(port: u16) {
    let mut stream = connect(port);
    expect(&mut stream, WELCOME);
    for line in [&b"async server test\n"[..], b"yay!\n"] {
        send(&mut stream, line);
        expect(&mut stream, &[GOT, line, PROMPT].concat());
    }
}

/// Connects so many times and breaks off: at once, in the middle of the welcome, or with an answer on its way. What is
/// closed with something unread is reset.
#[track_caller]
pub fn break_off(port: u16, times: u32) {
    for number in 0..times {
        let mut stream = connect(port);
        match number % 3 {
            // Gone before the emulator takes its next connection; it keeps only one waiting.
            0 => thread::sleep(Duration::from_millis(10)),
            1 => expect(&mut stream, &WELCOME[..10]),
            _ => {
                expect(&mut stream, &WELCOME[..10]);
                send(&mut stream, &[b'x'; 1000]);
            }
        }
    }
}

/// Sends so many bytes on each of two connections at once: they come back unchanged.
#[track_caller]
pub fn send_much(port: u16, bytes: usize) {
    let clients = [1, 2].map(|seed| thread::spawn(move || send_and_compare(port, bytes, seed)));
    for client in clients {
        client.join().expect("a client got back what it sent");
    }
}

fn send_and_compare(port: u16, bytes: usize, seed: u64) {
    // Nothing that looks like what the server adds.
    let mut state = seed;
    let data: Vec<u8> = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b'a' + (state >> 60) as u8
        })
        .collect();
    let mut stream = connect(port);
    expect(&mut stream, WELCOME);
    let mut reader = stream.try_clone().expect("there is a descriptor left");
    let back = thread::spawn(move || {
        let mut back = Vec::new();
        reader.read_to_end(&mut back).map(|_| back)
    });
    send(&mut stream, &data);
    stream.shutdown(Shutdown::Write).expect("it is connected");
    let back = back.join().expect("the reader does not panic").expect("receive");
    let mut echoed = Vec::with_capacity(bytes);
    let mut rest = &back[..];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(GOT).or_else(|| rest.strip_prefix(PROMPT)) {
            rest = after;
        } else {
            echoed.push(rest[0]);
            rest = &rest[1..];
        }
    }
    assert!(echoed == data, "{bytes} bytes went out, and {} others came back", echoed.len());
}

/// Asks the server to exit, and hears that it does.
#[track_caller]
pub fn end(port: u16) {
    let mut stream = connect(port);
    expect(&mut stream, WELCOME);
    send(&mut stream, b"exit\n");
    expect(&mut stream, b"Shutting down the server\n");
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("expected the end, not {other:?}"),
    }
}
