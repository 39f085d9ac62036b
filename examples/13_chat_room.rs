//! A chat room: what one client says is told to all others.
//!
//! Nobody waits for a slow client: the room keeps the last 64 lines, and who falls behind is told how many it has missed.
//!
//! ```text
//! $ cargo run --example 13_chat_room            $ nc localhost 1600        $ nc localhost 1600
//! Serving asynchronously at 127.0.0.1:1600                                 hello
//!                                               127.0.0.1:43210: hello
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::{env, io};

use giambio::channel::{Broadcast, BroadcastError, Subscriber};
use giambio::net::{TcpListener, TcpStream};
use giambio::{Interrupted, nursery, race};

/// A line, and who has said it.
type Line = Rc<(SocketAddr, String)>;
type Room = Broadcast<Line, 64>;

/// What is longer comes in pieces.
const LONGEST_LINE: usize = 1000;

/// Tells the room each line that a client sends.
async fn listen(stream: &TcpStream, peer: SocketAddr, room: &Room) -> io::Result<()> {
    let (mut buffer, mut line) = ([0; 512], Vec::new());
    loop {
        let count = stream.receive(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        for &byte in &buffer[..count] {
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() == LONGEST_LINE {
                let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                if room.send(Rc::new((peer, text))).is_err() {
                    return Ok(()); // it is closed
                }
            }
        }
    }
}

/// Tells a client what the others say.
async fn tell(stream: &TcpStream, peer: SocketAddr, mut news: Subscriber<'_, Broadcast<Line, 64>>) -> io::Result<()> {
    loop {
        let text = match news.receive().await {
            Ok(line) if line.0 == peer => continue,
            Ok(line) => format!("{}: {}\n", line.0, line.1),
            Err(BroadcastError::Lagged(missed)) => format!("({missed} lines missed)\n"),
            Err(_) => return Ok(()),
        };
        stream.send_all(text.as_bytes()).await?;
    }
}

async fn serve(address: &str) -> io::Result<Infallible> {
    let room = Room::new();
    let listener = TcpListener::bind(address).await?;
    eprintln!("Serving asynchronously at {}", listener.local_addr()?);
    nursery(async |n| {
        loop {
            let (stream, peer) = listener.accept().await?;
            let (room, news) = (&room, room.subscribe());
            n.spawn(async move {
                // Whichever ends first ends the other: a client that leaves is told nothing more.
                let _ = race((listen(&stream, peer, room), tell(&stream, peer, news))).await;
                Ok(())
            });
        }
    })
    .await
}

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:1600".into());
    match giambio::run_or_ctrl_c(serve(&address)) {
        Err(Interrupted) => Ok(()),
        Ok(Err(error)) => Err(error),
    }
}
