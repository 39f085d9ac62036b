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
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

fn connect(port: u16) -> Result<TcpStream, String> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT)
        .and_then(|stream| stream.set_read_timeout(Some(LIMIT)).map(|()| stream));
    stream.map_err(|error| format!("connect: {error}"))
}

fn send(stream: &mut TcpStream, data: &[u8]) -> Result<(), String> {
    stream.write_all(data).map_err(|error| format!("send: {error}"))
}

/// The next that comes has to be this.
fn expect(stream: &mut TcpStream, data: &[u8]) -> Result<(), String> {
    let mut buffer = vec![0; data.len()];
    stream.read_exact(&mut buffer).map_err(|error| format!("{error}, but expected {}", data.escape_ascii()))?;
    if buffer == data {
        Ok(())
    } else {
        Err(format!("{} came, but expected {}", buffer.escape_ascii(), data.escape_ascii()))
    }
}

/// Says something, and leaves.
pub(crate) fn talk(port: u16) -> Result<(), String> {
    let mut stream = connect(port)?;
    expect(&mut stream, WELCOME)?;
    for line in [&b"async server test\n"[..], b"yay!\n"] {
        send(&mut stream, line)?;
        expect(&mut stream, &[GOT, line, PROMPT].concat())?;
    }
    Ok(())
}

/// Connects so many times and breaks off: at once, in the middle of the welcome, or with an answer on its way. What is
/// closed with something unread is reset.
pub(crate) fn break_off(port: u16, times: u32) -> Result<(), String> {
    for number in 0..times {
        let mut stream = connect(port)?;
        match number % 3 {
            // Gone before the emulator takes its next connection; it keeps only one waiting.
            0 => thread::sleep(Duration::from_millis(10)),
            1 => expect(&mut stream, &WELCOME[..10])?,
            _ => {
                expect(&mut stream, &WELCOME[..10])?;
                send(&mut stream, &[b'x'; 1000])?;
            }
        }
    }
    Ok(())
}

/// Sends so many bytes on each of two connections at once: they come back unchanged.
pub(crate) fn send_much(port: u16, bytes: usize) -> Result<(), String> {
    let clients = [1, 2].map(|seed| thread::spawn(move || send_and_compare(port, bytes, seed)));
    for client in clients {
        client.join().map_err(|_| "a client panicked")??;
    }
    Ok(())
}

fn send_and_compare(port: u16, bytes: usize, seed: u64) -> Result<(), String> {
    // Nothing that looks like what the server adds.
    let mut state = seed;
    let data: Vec<u8> = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b'a' + (state >> 60) as u8
        })
        .collect();
    let mut stream = connect(port)?;
    expect(&mut stream, WELCOME)?;
    let mut reader = stream.try_clone().map_err(|error| error.to_string())?;
    let back = thread::spawn(move || {
        let mut back = Vec::new();
        reader.read_to_end(&mut back).map(|_| back)
    });
    send(&mut stream, &data)?;
    stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
    let back = back.join().map_err(|_| "the reader panicked")?.map_err(|error| format!("receive: {error}"))?;
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
    if echoed == data { Ok(()) } else { Err(format!("{bytes} bytes went out, and {} others came back", echoed.len())) }
}

/// Asks the server to exit, and hears that it does.
pub(crate) fn end(port: u16) -> Result<(), String> {
    let mut stream = connect(port)?;
    expect(&mut stream, WELCOME)?;
    send(&mut stream, b"exit\n")?;
    expect(&mut stream, b"Shutting down the server\n")?;
    match stream.read(&mut [0]) {
        Ok(0) => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        other => Err(format!("expected the end, not {other:?}")),
    }
}
