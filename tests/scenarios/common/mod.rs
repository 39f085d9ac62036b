//! What the scenarios share: the programs under test, blocking clients, and what the system knows about a process.
//!
//! Everything waits with a limit, and every process that is started is ended, also when a test fails.
#![allow(dead_code, reason = "each program uses a part")]

pub(crate) mod programs;
pub(crate) mod server;
pub(crate) mod system;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long anything may take. Only a test that fails takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const WELCOME: &str = "Welcome to the server pal, feel free to send me something!\n-> ";

/// A client as simple as possible: a blocking socket that gives up after a while.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(socket: TcpStream) -> Client {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { socket }
    }

    /// Connects and reads the greeting.
    pub(crate) fn greeted(address: SocketAddr) -> Client {
        let mut client = Client::connect(address);
        client.expect(WELCOME);
        client
    }

    /// As the server's log calls it.
    pub(crate) fn name(&self) -> String {
        self.socket.local_addr().unwrap().to_string()
    }

    pub(crate) fn send(&mut self, data: &str) {
        self.socket.write_all(data.as_bytes()).unwrap();
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &str) {
        let mut got = vec![0; wanted.len()];
        if let Err(error) = self.socket.read_exact(&mut got) {
            panic!("{} never got {wanted:?}: {error}", self.name());
        }
        assert_eq!(String::from_utf8_lossy(&got), wanted);
    }

    /// Sends a message and reads its echo.
    #[track_caller]
    pub(crate) fn echo(&mut self, message: &str) {
        self.send(message);
        self.expect(&format!("Got: {message}-> "));
    }

    /// Sends and never reads, until as much is on the way there and back as the system holds; returns how much it was.
    pub(crate) fn send_until_stuck(&mut self) -> usize {
        self.socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut sent = 0;
        let stuck = loop {
            match self.socket.write(&[b'x'; 65536]) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
            assert!(sent < 256 << 20, "the server goes on reading and keeps it all");
        };
        assert!(matches!(stuck.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stuck}");
        sent
    }

    /// Says that nothing more is to come, and reads what the server still has to say.
    pub(crate) fn leave(mut self) -> String {
        self.socket.shutdown(Shutdown::Write).unwrap();
        self.rest()
    }

    /// Reads until the server closes the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        match self.socket.read_to_string(&mut text) {
            Ok(_) => text,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => text,
            Err(error) => panic!("{} was never closed: {error}", self.name()),
        }
    }

    /// Breaks the connection off: closed with data unread, a socket sends a reset. There must be some.
    pub(crate) fn reset(self) {
        let unread = self.socket.peek(&mut [0]).unwrap();
        assert_eq!(unread, 1);
    }
}

/// Looks again and again until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the client sent, from what the server answered: the answer may come in any number of pieces.
pub(crate) fn without_decoration(answer: &str) -> String {
    answer.replace("Got: ", "").replace("-> ", "")
}
