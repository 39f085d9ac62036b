//! The three programs of `bench/python/programs.py`, in Rust. Prints the nanoseconds of CPU time for each operation.

use std::convert::Infallible;
use std::env;
use std::io;

use giambio::net::TcpListener;
use giambio::{nursery, sleep};

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to that struct alone.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

async fn nothing() -> Result<(), Infallible> {
    Ok(())
}

async fn spawn(count: u64) {
    for _ in 0..count / 100 {
        let Ok(()) = nursery(async |n| {
            for _ in 0..100 {
                n.spawn(nothing());
            }
            Ok(())
        })
        .await;
    }
}

async fn yields(count: u64) {
    for _ in 0..count {
        sleep(std::time::Duration::ZERO).await;
    }
}

async fn echo(count: u64) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let (stream, _) = listener.accept().await?;
    let mut buffer = [0; 1024];
    for _ in 0..count {
        let received = stream.receive(&mut buffer).await?;
        stream.send_all(&buffer[..received]).await?;
    }
    Ok(())
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let count: u64 = arguments[2].parse().expect("how often");
    let before = cpu_ns();
    match arguments[1].as_str() {
        "spawn" => giambio::run(spawn(count)),
        "sleep0" => giambio::run(yields(count)),
        "echo" => giambio::run(echo(count)).expect("the client is there"),
        other => panic!("there is no program {other}"),
    }
    println!("{}", (cpu_ns() - before) / count);
}
