//! Twin: accepted/each_thread_has_a_runtime_of_its_own.rs
//! Says: cannot be sent between threads safely

use std::thread;

use giambio::net::TcpStream;
use giambio::run;

fn main() {
    run(async {
        let socket = TcpStream::connect("localhost:1500").await.unwrap();
        thread::spawn(move || socket.peer_addr());
    });
}
