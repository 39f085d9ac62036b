//! `monoio-echo PORT VARIANT`. Variants: `uring`, `epoll` (which monoio calls legacy).

use std::net;

use bench_common::{BUFFER, server_arguments};
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

async fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (read, filled) = stream.read(buffer).await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        // The vector is as long as what was read, and that much is written.
        let (written, back) = stream.write_all(filled).await;
        buffer = back;
        if written.is_err() {
            return;
        }
    }
}

async fn serve(listener: net::TcpListener) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            monoio::spawn(echo(stream));
        }
    }
}

fn main() {
    let (listener, variant) = server_arguments();
    // io_uring would report that nothing is there yet.
    listener.set_nonblocking(variant == "epoll").unwrap();
    match variant.as_str() {
        "epoll" => RuntimeBuilder::<LegacyDriver>::new().build().unwrap().block_on(serve(listener)),
        _ => RuntimeBuilder::<IoUringDriver>::new().build().unwrap().block_on(serve(listener)),
    }
}
