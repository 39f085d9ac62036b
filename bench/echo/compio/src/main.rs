//! `compio-echo PORT VARIANT`. Variants: `uring`, `epoll` (through the crate `polling`).

use bench_common::{BUFFER, server_arguments};
use compio::BufResult;
use compio::driver::{DriverType, ProactorBuilder};
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::RuntimeBuilder;

async fn echo(mut stream: TcpStream) {
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let BufResult(read, filled) = stream.read(buffer).await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        let BufResult(written, back) = stream.write_all(filled).await;
        buffer = back;
        buffer.clear();
        if written.is_err() {
            return;
        }
    }
}

fn main() {
    let (listener, variant) = server_arguments();
    let mut proactor = ProactorBuilder::new();
    proactor.driver_type(if variant == "epoll" { DriverType::Poll } else { DriverType::IoUring });
    let runtime = RuntimeBuilder::new().with_proactor(proactor).build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                compio::runtime::spawn(echo(stream)).detach();
            }
        }
    })
}
