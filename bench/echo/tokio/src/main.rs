//! `tokio-echo PORT VARIANT`, on the scheduler for one thread. Variants: `current` (tasks on the scheduler itself),
//! `local` (in a LocalSet).

use bench_common::{BUFFER, server_arguments};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

async fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn main() {
    let (listener, variant) = server_arguments();
    listener.set_nonblocking(true).unwrap();
    let is_local = variant == "local";
    let serve = async {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            if is_local {
                spawn_local(echo(stream));
            } else {
                tokio::spawn(echo(stream));
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    match is_local {
        true => LocalSet::new().block_on(&runtime, serve),
        false => runtime.block_on(serve),
    }
}
