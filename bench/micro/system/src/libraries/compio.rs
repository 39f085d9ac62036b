//! compio, on io_uring and on epoll.

use std::net::{self, SocketAddr};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix;
use std::path::PathBuf;

use compio::driver::{DriverType, ProactorBuilder};
use compio::fs::pipe::{Receiver, Sender};
use compio::io::util::copy_bidirectional;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::{UdpSocket, UnixStream};
use compio::process::Command;
use compio::runtime::{RuntimeBuilder, spawn, spawn_blocking};

use super::{Datagrams, Library, Receives, Sends, Task};

macro_rules! compio {
    ($name:ident, $driver:expr) => {
        pub(crate) struct $name;

        impl Library for $name {
            type Datagrams = UdpSocket;
            type Unix = UnixStream;
            type PipeReceiver = Receiver;
            type PipeSender = Sender;

            fn run(make: impl FnOnce() -> Vec<Task>) {
                run($driver, make);
            }

            fn datagrams(socket: net::UdpSocket) -> UdpSocket {
                UdpSocket::from_std(socket).unwrap()
            }

            fn unix(stream: unix::net::UnixStream) -> UnixStream {
                UnixStream::from_std(stream).unwrap()
            }

            fn pipe() -> (Receiver, Sender) {
                let (receiver, sender) = std::io::pipe().unwrap();
                let [receiver, sender] = [OwnedFd::from(receiver), OwnedFd::from(sender)].map(OwnedFd::into_raw_fd);
                // SAFETY: they were owned, and nobody else has them.
                unsafe { (Receiver::from_raw_fd(receiver), Sender::from_raw_fd(sender)) }
            }

            async fn copy_both(one: UnixStream, other: UnixStream) {
                let (there, back) = copy_bidirectional(one, other).await;
                there.unwrap();
                back.unwrap();
            }

            async fn program(name: &str) {
                assert!(Command::new(name).status().await.unwrap().success());
            }

            async fn read(path: PathBuf) -> Vec<u8> {
                compio::fs::read(path).await.unwrap()
            }

            async fn unblock(work: impl FnOnce() -> u64 + Send + 'static) -> u64 {
                spawn_blocking(work).await.unwrap()
            }
        }
    };
}

compio!(Uring, DriverType::IoUring);
compio!(Epoll, DriverType::Poll);

fn run(driver: DriverType, make: impl FnOnce() -> Vec<Task>) {
    let mut proactor = ProactorBuilder::new();
    proactor.driver_type(driver);
    RuntimeBuilder::new().with_proactor(proactor).build().unwrap().block_on(async {
        let tasks: Vec<_> = make().into_iter().map(spawn).collect();
        for task in tasks {
            task.await.ok().unwrap();
        }
    });
}

/// compio receives behind what is there.
fn emptied(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    buffer
}

/// As long as it was.
fn refilled(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.resize(buffer.capacity(), 0);
    buffer
}

impl Datagrams for UdpSocket {
    async fn send(&self, buffer: Vec<u8>) -> Vec<u8> {
        let sent = UdpSocket::send(self, buffer).await;
        sent.0.unwrap();
        sent.1
    }

    async fn receive(&self, buffer: Vec<u8>) -> Vec<u8> {
        let received = self.recv(emptied(buffer)).await;
        received.0.unwrap();
        received.1
    }

    async fn send_to(&self, buffer: Vec<u8>, address: SocketAddr) -> Vec<u8> {
        let sent = UdpSocket::send_to(self, buffer, address).await;
        sent.0.unwrap();
        sent.1
    }

    async fn receive_from(&self, buffer: Vec<u8>) -> (SocketAddr, Vec<u8>) {
        let received = self.recv_from(emptied(buffer)).await;
        (received.0.unwrap().1, received.1)
    }
}

async fn receive(from: &mut impl AsyncRead, buffer: Vec<u8>) -> (usize, Vec<u8>) {
    let received = from.read(emptied(buffer)).await;
    (received.0.unwrap(), refilled(received.1))
}

async fn send_all(to: &mut impl AsyncWriteExt, buffer: Vec<u8>) -> Vec<u8> {
    let sent = to.write_all(buffer).await;
    sent.0.unwrap();
    sent.1
}

macro_rules! streams {
    ($($receives:ty),*; $($sends:ty),*) => {
        $(impl Receives for $receives {
            fn receive(&mut self, buffer: Vec<u8>) -> impl Future<Output = (usize, Vec<u8>)> {
                receive(self, buffer)
            }
        })*
        $(impl Sends for $sends {
            fn send_all(&mut self, buffer: Vec<u8>) -> impl Future<Output = Vec<u8>> {
                send_all(self, buffer)
            }
        })*
    };
}

streams!(UnixStream, Receiver; UnixStream, Sender);
