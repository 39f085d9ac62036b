//! A server whose process has no descriptors left. Alone in its process, for the limit is the process's.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::net;
use std::thread;
use std::time::Duration;

use giambio::net::TcpListener;
use giambio::{RunError, builder, run, sleep};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_server_without_descriptors_waits_for_some_and_serves_on() {
    // Clients are connected before the limit falls; their sockets exist, only `accept` has none to give.
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| net::TcpStream::connect(address).unwrap()).collect();
    let spare = File::open("/dev/null").unwrap();
    run(async { sleep(Duration::from_millis(1)).await }); // this thread's reactor has its descriptors
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: limit.maximum }).unwrap();

    let without_reactor = thread::spawn(|| matches!(builder().try_run(async {}), Err(RunError::Reactor(_))));
    assert!(without_reactor.join().unwrap(), "a thread that can't have a reactor is told so");

    let before = cpu_time();
    run(async {
        let listener = TcpListener::from(listener);
        let patience = giambio::move_on_after(Duration::from_millis(300), listener.accept()).await;
        assert!(patience.is_none(), "there was nothing to accept with");
        assert!(cpu_time() - before < Duration::from_millis(100), "it waited without spinning");

        drop(spare);
        setrlimit(Resource::Nofile, limit).unwrap();
        for client in &mut clients {
            let (server, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap(), "those that came meanwhile are served in turn");
            server.send_all(b"hello").await.unwrap();
            drop(server);
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            assert_eq!(text, "hello");
            client.flush().unwrap();
        }
    });
}

fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat");
    // Without /proc there is nothing to measure with.
    let Ok(stat) = stat else { return Duration::ZERO };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
