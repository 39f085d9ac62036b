//! A server that echoes, on a thread of its own; some of its listeners are closed now and then.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{Scope, Thread, current, park};
use std::time::Duration;

use giambio::net::{TcpListener, TcpStream};
use giambio::{checkpoint, finally, move_on_after, nursery, sleep};

use crate::{Counts, Open, Rng, add};

/// Where the server listens now, and how to end it.
pub(crate) struct Server<'a> {
    shared: &'a Shared,
}

#[derive(Default)]
struct Shared {
    addresses: Mutex<Vec<SocketAddr>>,
    over: AtomicBool,
}

impl<'a> Server<'a> {
    pub(crate) fn start<'s>(threads: &'s Scope<'s, '_>, counts: &'s Counts) -> Server<'s> {
        let shared: &'static Shared = Box::leak(Box::default());
        let starter: Thread = current();
        threads.spawn(move || giambio::run(serve(shared, counts, starter)).unwrap());
        while shared.addresses.lock().unwrap().len() < LISTENERS {
            park();
        }
        Server { shared }
    }

    /// One of its addresses. It may be gone when you come.
    pub(crate) fn address(&self, rng: &mut Rng) -> SocketAddr {
        let addresses = self.shared.addresses.lock().unwrap();
        addresses[rng.below(addresses.len() as u64) as usize]
    }

    pub(crate) fn stop(&self) {
        self.shared.over.store(true, SeqCst);
    }
}

const LISTENERS: usize = 4;

async fn serve(shared: &Shared, counts: &Counts, starter: Thread) -> io::Result<()> {
    let starter = &starter;
    nursery(async |n| {
        for number in 0..LISTENERS {
            n.child().daemon().spawn(async move {
                let mut rng = Rng(number as u64);
                loop {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    let address = listener.local_addr()?;
                    {
                        let mut addresses = shared.addresses.lock().unwrap();
                        match addresses.get_mut(number) {
                            Some(old) => *old = address,
                            None => addresses.push(address),
                        }
                    }
                    starter.unpark();
                    // The first stays, the others are closed under their accepts.
                    let life = Duration::from_millis(200 + rng.below(2_000));
                    accept(&listener, (number > 0).then_some(life), counts, &mut rng).await?;
                    add(&counts.listeners);
                }
            });
        }
        while !shared.over.load(SeqCst) {
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
    .await
}

/// Accepts until the listener is closed; connections live on until they end.
async fn accept(listener: &TcpListener, life: Option<Duration>, counts: &Counts, rng: &mut Rng) -> io::Result<()> {
    nursery(async |n| {
        if let Some(life) = life {
            n.child().daemon().spawn(async move {
                sleep(life).await;
                listener.close();
                Ok(std::future::pending().await)
            });
        }
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // Closed by the daemon.
                Err(error) if life.is_some() && listener.local_addr().is_err() => {
                    drop(error);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            add(&counts.accepted);
            let open = Open::new(&counts.open);
            let (chance, life) = (rng.below(20), rng.millis(300));
            let task = n.spawn(async move {
                let _open = open;
                let stream = stream;
                // A connection that breaks is its client's affair.
                let _ = match chance {
                    0 => move_on_after(life, echo(&stream)).await.unwrap_or(Ok(())),
                    1 => finally(echo(&stream), async || sleep(life / 10).await).await,
                    _ => echo(&stream).await,
                };
                Ok(())
            });
            if chance == 2 {
                checkpoint().await;
                task.cancel();
            }
        }
    })
    .await
}

async fn echo(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.receive(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.send_all(&buffer[..count]).await?,
        }
    }
}
