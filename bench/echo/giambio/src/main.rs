//! `giambio-echo PORT`

use std::io;

use bench_common::{BUFFER, server_arguments};
use giambio::net::{TcpListener, TcpStream};
use giambio::nursery;

async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.receive(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.send_all(&buffer[..count]).await?,
        }
    }
}

fn main() -> io::Result<()> {
    let (listener, _) = server_arguments();
    giambio::run(async {
        let listener = TcpListener::from(listener);
        nursery(async |n| {
            loop {
                let (stream, _) = listener.accept().await?;
                n.spawn(async {
                    let _ = echo(stream).await; // a client's trouble is its own
                    Ok(())
                });
            }
        })
        .await
    })
}
