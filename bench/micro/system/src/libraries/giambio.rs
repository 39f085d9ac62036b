//! giambio.

use std::convert::Infallible;
use std::net::{self, SocketAddr};
use std::os::unix;
use std::path::PathBuf;

use giambio::net::UdpSocket;
use giambio::net::unix::UnixStream;
use giambio::stream::{PipeReceiver, PipeSender, copy_both, pipe};
use giambio::{fs, nursery, process};

use super::{Datagrams, Library, Receives, Sends, Task};

pub(crate) struct Giambio;

impl Library for Giambio {
    type Datagrams = UdpSocket;
    type Unix = UnixStream;
    type PipeReceiver = PipeReceiver;
    type PipeSender = PipeSender;

    fn run(make: impl FnOnce() -> Vec<Task>) {
        let Ok(()) = giambio::run(nursery(async |scope| {
            for task in make() {
                scope.spawn(async move {
                    task.await;
                    Ok::<_, Infallible>(())
                });
            }
            Ok(())
        }));
    }

    fn datagrams(socket: net::UdpSocket) -> UdpSocket {
        UdpSocket::from_std(socket)
    }

    fn unix(stream: unix::net::UnixStream) -> UnixStream {
        UnixStream::from_std(stream)
    }

    fn pipe() -> (PipeReceiver, PipeSender) {
        pipe().unwrap()
    }

    async fn copy_both(one: UnixStream, other: UnixStream) {
        copy_both(&one, &other).await.unwrap();
    }

    async fn program(name: &str) {
        assert!(process::status(process::Spawn::new(name)).await.unwrap().success());
    }

    async fn read(path: PathBuf) -> Vec<u8> {
        fs::read(path).await.unwrap()
    }

    fn unblock(work: impl FnOnce() -> u64 + Send + 'static) -> impl Future<Output = u64> {
        giambio::unblock(work)
    }
}

impl Datagrams for UdpSocket {
    async fn send(&self, buffer: Vec<u8>) -> Vec<u8> {
        self.send(&buffer).await.unwrap();
        buffer
    }

    async fn receive(&self, mut buffer: Vec<u8>) -> Vec<u8> {
        self.receive(&mut buffer).await.unwrap();
        buffer
    }

    async fn send_to(&self, buffer: Vec<u8>, address: SocketAddr) -> Vec<u8> {
        self.send_to(&buffer, address).await.unwrap();
        buffer
    }

    async fn receive_from(&self, mut buffer: Vec<u8>) -> (SocketAddr, Vec<u8>) {
        let received = self.receive_from(&mut buffer).await.unwrap();
        (received.1, buffer)
    }
}

impl Receives for UnixStream {
    async fn receive(&mut self, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        (UnixStream::receive(self, &mut buffer).await.unwrap(), buffer)
    }
}

impl Sends for UnixStream {
    async fn send_all(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        UnixStream::send_all(self, &buffer).await.unwrap();
        buffer
    }
}

impl Receives for PipeReceiver {
    async fn receive(&mut self, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        (PipeReceiver::receive(self, &mut buffer).await.unwrap(), buffer)
    }
}

impl Sends for PipeSender {
    async fn send_all(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        PipeSender::send_all(self, &buffer).await.unwrap();
        buffer
    }
}
