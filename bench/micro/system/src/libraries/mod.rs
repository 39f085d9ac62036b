//! What each library has, in one set of words. Buffers are handed over and come back, since compio takes them so.

pub(crate) mod bare;
#[cfg(feature = "peers")]
pub(crate) mod compio;
pub(crate) mod giambio;
#[cfg(feature = "peers")]
pub(crate) mod smol;
#[cfg(feature = "peers")]
pub(crate) mod tokio;

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::pin::Pin;

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A runtime on this thread, with its sockets, programs, files and threads. All but `run` is called inside of that.
pub(crate) trait Library: 'static {
    type Datagrams: Datagrams + 'static;
    type Unix: Receives + Sends + 'static;
    type PipeReceiver: Receives + 'static;
    type PipeSender: Sends + 'static;

    /// Runs the tasks that are made in it side by side to their ends.
    fn run(make: impl FnOnce() -> Vec<Task>);
    fn datagrams(socket: UdpSocket) -> Self::Datagrams;
    fn unix(stream: UnixStream) -> Self::Unix;
    fn pipe() -> (Self::PipeReceiver, Self::PipeSender);
    /// Until both directions are at their ends; closes them.
    fn copy_both(one: Self::Unix, other: Self::Unix) -> impl Future<Output = ()> + 'static;
    /// Starts a program, which succeeds.
    fn program(name: &str) -> impl Future<Output = ()>;
    fn read(path: PathBuf) -> impl Future<Output = Vec<u8>>;
    fn unblock(work: impl FnOnce() -> u64 + Send + 'static) -> impl Future<Output = u64>;
}

/// A socket for datagrams as long as the buffer.
pub(crate) trait Datagrams {
    fn send(&self, buffer: Vec<u8>) -> impl Future<Output = Vec<u8>>;
    fn receive(&self, buffer: Vec<u8>) -> impl Future<Output = Vec<u8>>;
    fn send_to(&self, buffer: Vec<u8>, address: SocketAddr) -> impl Future<Output = Vec<u8>>;
    fn receive_from(&self, buffer: Vec<u8>) -> impl Future<Output = (SocketAddr, Vec<u8>)>;
}

/// Bytes come out of it.
pub(crate) trait Receives {
    /// How many there were, up to the buffer's length; none at the end.
    fn receive(&mut self, buffer: Vec<u8>) -> impl Future<Output = (usize, Vec<u8>)>;
}

/// Bytes go into it.
pub(crate) trait Sends {
    fn send_all(&mut self, buffer: Vec<u8>) -> impl Future<Output = Vec<u8>>;
}
