//! The connections, in one epoll set.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use crate::options::Options;

const EVENTS: usize = 1024;

pub(crate) struct Clients {
    all: Vec<Client>,
    message: Vec<u8>,
    /// Room for what is thrown away.
    scratch: Vec<u8>,
    epoll: i32,
    events: Vec<libc::epoll_event>,
    wait_ms: i32,
}

struct Client {
    socket: TcpStream,
    sent_at: Instant,
    /// Bytes of the echo that are still to come.
    missing: usize,
}

impl Clients {
    /// Opens them all, and has each compare one echo.
    pub(crate) fn connect(options: &Options) -> Clients {
        let message: Vec<u8> = (0..options.bytes).map(|i| (i * 7 + i / 251) as u8).collect();
        // SAFETY: it takes flags.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        let mut clients = Clients {
            all: Vec::new(),
            scratch: vec![0; options.bytes],
            message,
            epoll,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS],
            wait_ms: if options.sleeps { 1000 } else { 0 },
        };
        for number in 0..options.connections {
            let mut socket = TcpStream::connect(("127.0.0.1", options.port)).expect("the server listens");
            socket.set_nodelay(true).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            reset_when_closed(&socket);
            let mut echo = vec![0; options.bytes];
            socket.write_all(&clients.message).unwrap();
            socket.read_exact(&mut echo).expect("the first echo");
            assert!(echo == clients.message, "the echo differs");
            socket.set_nonblocking(true).unwrap();
            let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: number as u64 };
            // SAFETY: the event is ours.
            let added = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, socket.as_raw_fd(), &mut event) };
            assert_eq!(added, 0);
            clients.all.push(Client { socket, sent_at: Instant::now(), missing: 0 });
        }
        clients
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, number: usize) {
        let client = &mut self.all[number];
        client.sent_at = Instant::now();
        client.missing = self.message.len();
        let mut rest = &self.message[..];
        while !rest.is_empty() {
            match client.socket.write(rest) {
                Ok(count) => rest = &rest[count..],
                // With one message in flight it hardly ever happens: spin.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("send: {error}"),
            }
        }
    }

    /// Looks for echoes. Tells how long each that is complete took, and is told whether to send again.
    pub(crate) fn wait(&mut self, mut echoed: impl FnMut(Duration) -> bool) {
        // SAFETY: there is room for so many events.
        let count = unsafe { libc::epoll_wait(self.epoll, self.events.as_mut_ptr(), EVENTS as i32, self.wait_ms) };
        for event in 0..count.max(0) as usize {
            let number = self.events[event].u64 as usize;
            let client = &mut self.all[number];
            let (scratch, fd) = (self.scratch.as_mut_ptr(), client.socket.as_raw_fd());
            // SAFETY: no message is longer than the room for it, and it is not even copied.
            let count = unsafe { libc::recv(fd, scratch.cast(), client.missing.max(1), libc::MSG_TRUNC) };
            if count < 0 {
                let error = Error::last_os_error();
                assert!(error.kind() == ErrorKind::WouldBlock, "receive: {error}");
                continue;
            }
            assert!(count > 0, "the server closed a connection");
            client.missing -= count as usize;
            if client.missing == 0 && echoed(client.sent_at.elapsed()) {
                self.send(number);
            }
        }
    }
}

/// So that no connection lingers after the run.
fn reset_when_closed(socket: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let (place, size) = ((&raw const linger).cast(), size_of_val(&linger) as u32);
    // SAFETY: the place is ours and as large as that.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, place, size) };
    assert_eq!(set, 0);
}
