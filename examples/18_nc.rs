//! A `nc` of one's own: what is typed goes to a server, what that says is shown. It ends when the server does; the end of the
//! input is passed on, and what the server has to say to it is still shown.
//!
//! ```text
//! $ printf 'GET / HTTP/1.0\r\n\r\n' | cargo run --example 18_nc example.com:80
//! ```

use std::net::Shutdown;
use std::{env, io};

use giambio::net::TcpStream;
use giambio::stream::copy;
use giambio::{nursery, stdin, stdout};

async fn talk(to: &str) -> io::Result<()> {
    let server = TcpStream::connect(to).await?;
    nursery(async |n| {
        // A daemon: it does not keep the program waiting for input that nobody wants any more.
        n.child().name("input").daemon().spawn(async {
            copy(stdin(), &server).await?;
            server.shutdown(Shutdown::Write)
        });
        let mut buffer = [0; 8192];
        loop {
            match server.receive(&mut buffer).await? {
                0 => return Ok(()),
                count => stdout().send_all(&buffer[..count]).await?,
            }
        }
    })
    .await
}

fn main() -> io::Result<()> {
    let Some(to) = env::args().nth(1) else { return Err(io::Error::other("usage: 18_nc HOST:PORT")) };
    giambio::run(talk(&to))
}
