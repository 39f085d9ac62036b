//! `giambio-echo PORT`: on one thread, as the other servers are.
//! `giambio-echo PORT THREADS WORK`: on several, with so many microseconds of work for each message.

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use bench_common::{BUFFER, argument, server_arguments, spin};
use giambio::net::{ListenOptions, TcpListener, TcpStream};
use giambio::{ErrorGroup, builder, nursery};

async fn serve(listener: TcpListener, work: Duration) -> io::Result<()> {
    nursery(async |n| {
        loop {
            let (stream, _) = listener.accept().await?;
            n.spawn(async {
                let _ = echo(stream, work).await; // a client's trouble is its own
                Ok(())
            });
        }
    })
    .await
}

async fn echo(stream: TcpStream, work: Duration) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.receive(&mut buffer).await? {
            0 => return Ok(()),
            count => {
                if !work.is_zero() {
                    spin(work);
                }
                stream.send_all(&buffer[..count]).await?;
            }
        }
    }
}

fn main() -> io::Result<()> {
    let (listener, threads) = server_arguments();
    let Ok(threads) = threads.parse::<NonZeroUsize>() else {
        return giambio::run(async { serve(TcpListener::from(listener), Duration::ZERO).await });
    };
    let work = argument(3).and_then(|work| work.parse().ok()).map_or(Duration::ZERO, Duration::from_micros);
    let address = listener.local_addr()?;
    drop(listener);
    let served = builder().on_each_core().threads(threads).run(async |_| {
        let listener = ListenOptions::new().reuse_port(true).bind(address).await?;
        serve(listener, work).await
    });
    served.map(|_| ()).map_err(ErrorGroup::into_first)
}
