//! `smol-echo PORT`: smol's parts, async-executor's LocalExecutor under async-io's `block_on`. (async-io has a thread of
//! its own too; the main thread polls the reactor while it can.)

use std::net::{TcpListener, TcpStream};

use async_executor::LocalExecutor;
use async_io::Async;
use bench_common::{BUFFER, server_arguments};
use futures_lite::{AsyncReadExt, AsyncWriteExt};

async fn echo(mut stream: Async<TcpStream>) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn main() {
    let (listener, _) = server_arguments();
    let executor = LocalExecutor::new();
    async_io::block_on(executor.run(async {
        let listener = Async::<TcpListener>::new(listener).unwrap();
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                executor.spawn(echo(stream)).detach();
            }
        }
    }))
}
