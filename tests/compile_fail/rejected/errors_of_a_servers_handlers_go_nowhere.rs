//! Twin: accepted/errors_of_a_servers_handlers_go_to_a_hook.rs
//! Says: a server can't end with `Unheard`
//! Says: the errors of its handlers have nowhere to go
//! Says: `.on_error(|peer, error| …)` is told of each error of a handler

use std::io;
use std::net::SocketAddr;

use giambio::net::{TcpListener, TcpStream, serve};
use giambio::run;

async fn greet(stream: TcpStream, _peer: SocketAddr) -> io::Result<()> {
    stream.send_all(b"hello").await
}

fn main() {
    run(async {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        serve(listener, greet).limit(3).await.unwrap();
    });
}
