//! The doorkeeper, the worker, and a client.

use std::io;
use std::net;
use std::os::fd::AsFd;

use giambio::net::unix::UnixStream;
use giambio::net::{TcpListener, TcpStream};
use giambio::nursery;

/// Passes a connection on. Its own descriptor is closed then: the worker has one.
async fn doorkeeper(listener: &TcpListener, worker: UnixStream) -> io::Result<()> {
    let (connection, _) = listener.accept().await?;
    println!("The doorkeeper passes a connection on");
    worker.send_with_fds(b"greet him", &[connection.as_fd()]).await?;
    Ok(())
}

/// Serves what is passed to it. From who can't be trusted it takes one at a time: what else comes along is closed.
async fn worker(doorkeeper: UnixStream) -> io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        let (count, passed) = doorkeeper.receive_with_fds(&mut buffer, 1).await?;
        if count == 0 {
            return Ok(()); // the doorkeeper has gone
        }
        println!("The worker has {} descriptor, for: {}", passed.fds.len(), String::from_utf8_lossy(&buffer[..count]));
        for fd in passed.fds {
            let client = TcpStream::from(net::TcpStream::from(fd));
            client.send_all(b"hello from the worker").await?;
        }
    }
}

async fn client(listener: &TcpListener) -> io::Result<()> {
    let server = TcpStream::connect(listener.local_addr()?).await?;
    let mut words = [0; 21];
    server.receive_exact(&mut words).await?;
    println!("The client hears: {}", String::from_utf8_lossy(&words));
    Ok(())
}

pub(crate) fn main() -> io::Result<()> {
    giambio::run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (one, other) = UnixStream::pair()?;
        nursery(async |n| {
            n.spawn(doorkeeper(&listener, one));
            n.spawn(worker(other));
            client(&listener).await
        })
        .await
    })
}
