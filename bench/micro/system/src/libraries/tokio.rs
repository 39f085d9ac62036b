//! tokio, its runtime of one thread.

use std::net::{self, SocketAddr};
use std::os::unix;
use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::unix::pipe::{Receiver, Sender, pipe};
use tokio::net::{UdpSocket, UnixStream};
use tokio::process::Command;
use tokio::task::{spawn_blocking, spawn_local};

use super::{Datagrams, Library, Receives, Sends, Task};

pub(crate) struct Tokio;

impl Library for Tokio {
    type Datagrams = UdpSocket;
    type Unix = UnixStream;
    type PipeReceiver = Receiver;
    type PipeSender = Sender;

    fn run(make: impl FnOnce() -> Vec<Task>) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().build_local(Default::default()).unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = make().into_iter().map(spawn_local).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }

    fn datagrams(socket: net::UdpSocket) -> UdpSocket {
        socket.set_nonblocking(true).unwrap();
        UdpSocket::from_std(socket).unwrap()
    }

    fn unix(stream: unix::net::UnixStream) -> UnixStream {
        stream.set_nonblocking(true).unwrap();
        UnixStream::from_std(stream).unwrap()
    }

    fn pipe() -> (Receiver, Sender) {
        let (sender, receiver) = pipe().unwrap();
        (receiver, sender)
    }

    async fn copy_both(mut one: UnixStream, mut other: UnixStream) {
        copy_bidirectional(&mut one, &mut other).await.unwrap();
    }

    async fn program(name: &str) {
        assert!(Command::new(name).status().await.unwrap().success());
    }

    async fn read(path: PathBuf) -> Vec<u8> {
        tokio::fs::read(path).await.unwrap()
    }

    async fn unblock(work: impl FnOnce() -> u64 + Send + 'static) -> u64 {
        spawn_blocking(work).await.unwrap()
    }
}

impl Datagrams for UdpSocket {
    async fn send(&self, buffer: Vec<u8>) -> Vec<u8> {
        UdpSocket::send(self, &buffer).await.unwrap();
        buffer
    }

    async fn receive(&self, mut buffer: Vec<u8>) -> Vec<u8> {
        self.recv(&mut buffer).await.unwrap();
        buffer
    }

    async fn send_to(&self, buffer: Vec<u8>, address: SocketAddr) -> Vec<u8> {
        UdpSocket::send_to(self, &buffer, address).await.unwrap();
        buffer
    }

    async fn receive_from(&self, mut buffer: Vec<u8>) -> (SocketAddr, Vec<u8>) {
        let (_, from) = self.recv_from(&mut buffer).await.unwrap();
        (from, buffer)
    }
}

impl Receives for UnixStream {
    async fn receive(&mut self, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        (self.read(&mut buffer).await.unwrap(), buffer)
    }
}

impl Sends for UnixStream {
    async fn send_all(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        self.write_all(&buffer).await.unwrap();
        buffer
    }
}

impl Receives for Receiver {
    async fn receive(&mut self, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        (self.read(&mut buffer).await.unwrap(), buffer)
    }
}

impl Sends for Sender {
    async fn send_all(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        self.write_all(&buffer).await.unwrap();
        buffer
    }
}
