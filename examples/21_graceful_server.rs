//! A server that ends in order. TERM or Ctrl+C: it accepts nobody more, lets go who is idle, and finishes what it is at. A
//! second one: it cancels the rest.
//!
//! Each line that a client sends says how many milliseconds of work it wants; the answer comes when they are done.
//!
//! ```text
//! $ cargo run --example 21_graceful_server          $ nc localhost 1700
//! Serving asynchronously at 127.0.0.1:1700          5000
//! ^CStopping: nobody is accepted any more           5000 ms of work are done
//! All have ended: 1 clients came, 0 were cut off
//! ```
//!
//! Exit status: 0 if all ended by themselves, 1 if some were cut off or the server failed.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};

use giambio::net::{Counts, TcpListener, TcpStream, serve};
use giambio::stream::Buffered;
use giambio::{Interrupted, Watchdog, builder, fail_after, nursery, sleep, stopping, until_stopped};

/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long work may go on after the first signal.
const GRACE: Duration = Duration::from_secs(30);

/// Works for a client as long as it likes, or until the server stops. What has begun is finished.
async fn work(stream: TcpStream, _: SocketAddr) -> io::Result<()> {
    let mut orders = Buffered::new(&stream);
    while let Some(order) = until_stopped(fail_after(PATIENCE, orders.receive_line())).await {
        let Some(order) = order?? else { break };
        let Ok(milliseconds) = order.trim().parse() else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{order:?} is no number")));
        };
        sleep(Duration::from_millis(milliseconds)).await;
        stream.send_all(format!("{milliseconds} ms of work are done\n").as_bytes()).await?;
    }
    Ok(())
}

async fn main_task(address: &str, counts: &Counts) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    eprintln!("Serving asynchronously at {}", listener.local_addr()?);
    nursery(async |n| {
        n.child().daemon().spawn(async {
            stopping().await;
            eprintln!("Stopping: nobody is accepted any more");
            Ok(())
        });
        serve(listener, work)
            .limit(1000)
            .grace(GRACE)
            .counts(counts)
            .on_error(|peer, error| eprintln!("{peer}: {error}"))
            .on_shortage(|error| eprintln!("Others have to wait: {error}"))
            .await
    })
    .await
}

fn main() -> ExitCode {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:1700".into());
    let counts = Counts::new();
    // Whoever holds up all the others is found out.
    let watched = builder().debugger(Watchdog::new(Duration::from_millis(100)));
    // On every core: `watched.on_each_core().run_until_stopped(…)`, with a debugger that can be copied.
    let ended = watched.run_until_stopped(main_task(&address, &counts));
    let (accepted, cut_off) = (counts.accepted(), counts.cut_off());
    match &ended {
        Ok(Ok(())) => eprintln!("All have ended: {accepted} clients came, {cut_off} were cut off"),
        Ok(Err(error)) => eprintln!("{address}: {error}"),
        Err(Interrupted) => eprintln!("Interrupted: {accepted} clients came, {cut_off} were cut off"),
    }
    if matches!(ended, Ok(Ok(()))) && cut_off == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
