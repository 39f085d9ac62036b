//! A proxy: whoever connects here is connected there. Each direction ends by itself, and a connection on which nothing moves
//! for a minute is given up.
//!
//! ```text
//! $ cargo run --example 17_proxy localhost:8080 example.com:80
//! Serving asynchronously at 127.0.0.1:8080
//! ```

use std::time::Duration;
use std::{env, io};

use giambio::net::{TcpListener, TcpStream};
use giambio::stream::copy_both;
use giambio::{Interrupted, nursery};

const IDLE: Duration = Duration::from_secs(60);

async fn pass_on(client: &TcpStream, to: &str) -> io::Result<()> {
    let server = TcpStream::connect(to).await?;
    let (forth, back) = copy_both(client, &server).idle_limit(IDLE).await?;
    eprintln!("{forth} bytes forth, {back} back");
    Ok(())
}

async fn serve(at: &str, to: &str) -> io::Result<()> {
    let listener = TcpListener::bind(at).await?;
    eprintln!("Serving asynchronously at {}", listener.local_addr()?);
    nursery(async |n| {
        loop {
            let (client, peer) = listener.accept().await?;
            n.spawn(async move {
                // What goes wrong with one connection is no matter of the others.
                if let Err(error) = pass_on(&client, to).await {
                    eprintln!("{peer}: {error}");
                }
                Ok(())
            });
        }
    })
    .await
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [at, to] = &words[..] else { return Err(io::Error::other("usage: 17_proxy HERE THERE")) };
    match giambio::run_or_ctrl_c(serve(at, to)) {
        Ok(ended) => ended,
        Err(Interrupted) => Ok(()),
    }
}
