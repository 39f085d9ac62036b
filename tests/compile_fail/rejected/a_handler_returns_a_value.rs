//! Twin: accepted/errors_of_a_servers_handlers_go_to_a_hook.rs
//! Says: a handler of a server returns `()` or `Result<(), E>`, not `usize`

use std::net::SocketAddr;

use giambio::net::{TcpListener, TcpStream, serve};
use giambio::run;

async fn greet(stream: TcpStream, _peer: SocketAddr) -> usize {
    stream.send(b"hello").await.unwrap_or(0)
}

fn main() {
    run(async {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        serve(listener, greet).limit(3).await.unwrap();
    });
}
