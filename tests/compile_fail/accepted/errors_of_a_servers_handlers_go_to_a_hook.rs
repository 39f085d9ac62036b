//! A handler's error goes to a hook, and a handler without errors needs none.

use std::io;
use std::net::SocketAddr;

use giambio::net::{TcpListener, TcpStream, serve};
use giambio::run;

async fn greet(stream: TcpStream, _peer: SocketAddr) -> io::Result<()> {
    stream.send_all(b"hello").await
}

#[test]
fn a_hook_that_returns_nothing_or_errors_of_the_servers() {
    run(async {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        serve(listener, greet)
            .limit(3)
            .on_error(|peer, error| eprintln!("{peer}: {error}"))
            .stop_when(async {})
            .await
            .unwrap();
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        serve(listener, greet).on_error(|_, error| Err(error)).stop_when(async {}).await.unwrap();
    });
}

#[test]
fn a_handler_without_errors() {
    run(async {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        serve(listener, async |_, _| {}).stop_when(async {}).await.unwrap();
    });
}
