//! What smol is made of: async-executor, async-io, async-process, async-fs, blocking. Pipes are `Async` over the standard
//! library's.

use std::fs::File;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use async_io::Async;
use async_process::Command;
use futures_lite::future::zip;
use futures_lite::io::{AsyncReadExt, AsyncWriteExt, copy};

use super::{Datagrams, Library, Receives, Sends, Task};

pub(crate) struct Smol;

impl Library for Smol {
    type Datagrams = Async<UdpSocket>;
    type Unix = Async<UnixStream>;
    type PipeReceiver = Async<File>;
    type PipeSender = Async<File>;

    fn run(make: impl FnOnce() -> Vec<Task>) {
        let executor = async_executor::LocalExecutor::new();
        async_io::block_on(executor.run(async {
            let tasks: Vec<_> = make().into_iter().map(|task| executor.spawn(task)).collect();
            for task in tasks {
                task.await;
            }
        }));
    }

    fn datagrams(socket: UdpSocket) -> Async<UdpSocket> {
        Async::new(socket).unwrap()
    }

    fn unix(stream: UnixStream) -> Async<UnixStream> {
        Async::new(stream).unwrap()
    }

    fn pipe() -> (Async<File>, Async<File>) {
        let (receiver, sender) = std::io::pipe().unwrap();
        let end = |pipe: OwnedFd| Async::new(File::from(pipe)).unwrap();
        (end(receiver.into()), end(sender.into()))
    }

    async fn copy_both(one: Async<UnixStream>, other: Async<UnixStream>) {
        let through = async |from: &Async<UnixStream>, to: &Async<UnixStream>| {
            copy(from, to).await.unwrap();
            to.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
        };
        zip(through(&one, &other), through(&other, &one)).await;
    }

    async fn program(name: &str) {
        assert!(Command::new(name).status().await.unwrap().success());
    }

    async fn read(path: PathBuf) -> Vec<u8> {
        async_fs::read(path).await.unwrap()
    }

    fn unblock(work: impl FnOnce() -> u64 + Send + 'static) -> impl Future<Output = u64> {
        blocking::unblock(work)
    }
}

impl Datagrams for Async<UdpSocket> {
    async fn send(&self, buffer: Vec<u8>) -> Vec<u8> {
        Async::<UdpSocket>::send(self, &buffer).await.unwrap();
        buffer
    }

    async fn receive(&self, mut buffer: Vec<u8>) -> Vec<u8> {
        self.recv(&mut buffer).await.unwrap();
        buffer
    }

    async fn send_to(&self, buffer: Vec<u8>, address: SocketAddr) -> Vec<u8> {
        Async::<UdpSocket>::send_to(self, &buffer, address).await.unwrap();
        buffer
    }

    async fn receive_from(&self, mut buffer: Vec<u8>) -> (SocketAddr, Vec<u8>) {
        let (_, from) = self.recv_from(&mut buffer).await.unwrap();
        (from, buffer)
    }
}

impl<T> Receives for Async<T>
where
    Async<T>: futures_lite::AsyncRead + Unpin,
{
    async fn receive(&mut self, mut buffer: Vec<u8>) -> (usize, Vec<u8>) {
        (self.read(&mut buffer).await.unwrap(), buffer)
    }
}

impl<T> Sends for Async<T>
where
    Async<T>: futures_lite::AsyncWrite + Unpin,
{
    async fn send_all(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        self.write_all(&buffer).await.unwrap();
        buffer
    }
}
