//! What several test programs need.
#![allow(dead_code, unused_imports, reason = "each program uses a part")]

#[path = "../../../core/tests/common/itself.rs"]
mod itself;
mod places;

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::net;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use giambio::net::{TcpListener, TcpStream};
use socket2::SockRef;

pub(crate) use itself::*;
pub(crate) use places::Place;

/// A connection to ourselves: the client's and the server's end.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    (client, server)
}

/// A connection whose client is a blocking socket of the standard library.
pub(crate) async fn std_client() -> (net::TcpStream, TcpStream) {
    let (client, server) = pair().await;
    (client.into_std().unwrap(), server)
}

/// A connection with little room on the way.
pub(crate) async fn narrow_pair() -> (TcpStream, TcpStream) {
    let (client, server) = pair().await;
    client.set_send_buffer_size(4096).unwrap();
    server.set_receive_buffer_size(4096).unwrap();
    (client, server)
}

/// Waits for a wake from another thread, which comes so much later, when the loop sleeps.
pub(crate) async fn woken_by_a_thread(after: Duration) {
    let (send, receive) = mpsc::channel::<Waker>();
    let thread = thread::spawn(move || {
        let waker = receive.recv().unwrap();
        thread::sleep(after);
        waker.wake();
    });
    let mut waits = true;
    poll_fn(|cx| {
        if std::mem::take(&mut waits) {
            send.send(cx.waker().clone()).unwrap();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
    thread.join().unwrap();
}

/// Polls once; `None`: it waits.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// Lets the loop look at I/O a few times.
pub(crate) async fn settle() {
    for _ in 0..3 {
        giambio::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// What a blocking socket says when its peer resets the connection. `None`: nothing, for Wine ends such a connection in order.
pub(crate) fn reset_of_the_system() -> Option<ErrorKind> {
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let reset = kind(server.read(&mut [0]));
    assert!(reset == Some(ErrorKind::ConnectionReset) || cfg!(windows), "{reset:?}");
    reset
}

/// Does a blocking socket hear that nobody is where it sends to? In Wine it hears nothing.
pub(crate) fn hears_that_nobody_is_there() -> bool {
    let socket = || net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (client, gone) = (socket(), socket());
    client.connect(gone.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    drop(gone);
    client.send(b"lost").unwrap();
    let heard = kind(client.recv(&mut [0; 8]));
    let hears = matches!(heard, Some(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset));
    assert!(hears || cfg!(windows), "{heard:?}");
    hears
}

pub(crate) fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}
