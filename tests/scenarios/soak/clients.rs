//! Clients of every temper.

use std::io;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use giambio::net::TcpStream;
use giambio::{Nursery, fail_after, move_on_after, nursery, sleep};

use crate::server::Server;
use crate::{AT_ONCE, Counts, EACH_ROUND, Rng, add};

/// How long a client may take that nobody disturbs. Only a bug or a dying machine needs it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some thousand connections, and how late the timers were meanwhile.
pub(crate) async fn round(server: &Server<'_>, counts: &Counts, round: u64) -> Vec<Duration> {
    let mut lateness = Vec::new();
    let result = nursery(async |n| {
        n.child().daemon().spawn(watch(&mut lateness));
        let mut rng = Rng(round);
        for number in 0..EACH_ROUND {
            while n.live() > AT_ONCE {
                sleep(Duration::from_millis(1)).await;
            }
            come(n, server, counts, Rng(round * EACH_ROUND + number), &mut rng).await;
        }
        Ok::<_, io::Error>(())
    });
    result.await.unwrap();
    lateness
}

/// Sleeps for short times, and notes how much longer it took.
async fn watch(lateness: &mut Vec<Duration>) -> io::Result<()> {
    loop {
        let (span, began) = (Duration::from_millis(5), Instant::now());
        sleep(span).await;
        lateness.push(began.elapsed() - span);
    }
}

/// Starts a client; some are cancelled before they are done.
async fn come<'scope, 'env>(
    n: Nursery<'scope, 'env, io::Error>,
    server: &'env Server<'_>,
    counts: &'env Counts,
    mut own: Rng,
    rng: &mut Rng,
) {
    let task = n.spawn(async move {
        let address = server.address(&mut own);
        // A listener may be gone by now.
        let Ok(stream) = TcpStream::connect(address).await else { return Ok(()) };
        add(&counts.connected);
        match fail_after(PATIENCE, client(&stream, &mut own)).await {
            Ok(Ok(true)) => add(&counts.served),
            Ok(Ok(false) | Err(_)) => add(&counts.broken_off),
            Err(_) => panic!("a client waits for its answer in vain"),
        }
        Ok(())
    });
    match rng.below(12) {
        0 => {
            let span = rng.millis(40);
            n.spawn(async move {
                sleep(span).await;
                if !task.is_finished() {
                    add(&counts.cancelled);
                }
                task.cancel();
                Ok(())
            });
        }
        1 => sleep(rng.millis(3)).await,
        _ => {}
    }
}

/// Talks for a while. True: all that was sent came back.
async fn client(stream: &TcpStream, rng: &mut Rng) -> io::Result<bool> {
    match rng.below(12) {
        // Says nothing, and goes.
        0 => {
            sleep(rng.millis(50)).await;
            Ok(false)
        }
        // Breaks off with a reset, in the middle of something.
        1 => {
            stream.set_linger(Some(Duration::ZERO))?;
            stream.send_all(&message(rng, 300)).await?;
            if rng.below(2) == 0 {
                let _ = stream.receive(&mut [0; 10]).await?;
            }
            Ok(false)
        }
        // Byte by byte.
        2 => {
            let sent = message(rng, 30);
            for byte in sent.chunks(1) {
                stream.send_all(byte).await?;
                if rng.below(4) == 0 {
                    sleep(rng.millis(3)).await;
                }
            }
            expect(stream, &sent).await
        }
        // Reads slowly what it has sent much of.
        3 => {
            let sent = message(rng, 60_000);
            let (read, write) = stream.split();
            let mut got = Vec::new();
            let result: io::Result<()> = nursery(async |n| {
                n.spawn(async {
                    write.send_all(&sent).await?;
                    write.shutdown()
                });
                let mut buffer = [0; 4_096];
                loop {
                    match read.receive(&mut buffer).await? {
                        0 => return Ok(()),
                        count => got.extend(&buffer[..count]),
                    }
                    sleep(rng.millis(2)).await;
                }
            })
            .await;
            result?;
            same(&got, &sent)
        }
        // Says that nothing more will come, then reads.
        4 => {
            let sent = message(rng, 2_000);
            stream.send_all(&sent).await?;
            stream.shutdown(Shutdown::Write)?;
            expect(stream, &sent).await
        }
        // Gives up receiving now and then, and goes on: nothing may be lost.
        5 => {
            let sent = message(rng, 5_000);
            stream.send_all(&sent).await?;
            let mut got = Vec::new();
            while got.len() < sent.len() {
                let mut buffer = [0; 777];
                let patience = Duration::from_micros(rng.below(500));
                match move_on_after(patience, stream.receive(&mut buffer)).await {
                    Some(Ok(0)) => return Ok(false),
                    Some(count) => got.extend(&buffer[..count?]),
                    None => {}
                }
            }
            same(&got, &sent)
        }
        // One question after the other.
        _ => {
            for _ in 0..1 + rng.below(5) {
                let sent = message(rng, 900);
                stream.send_all(&sent).await?;
                if !expect(stream, &sent).await? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

fn message(rng: &mut Rng, most: u64) -> Vec<u8> {
    (0..1 + rng.below(most)).map(|_| rng.below(256) as u8).collect()
}

/// Reads as much as was sent. False: the server has left.
async fn expect(stream: &TcpStream, sent: &[u8]) -> io::Result<bool> {
    let mut got = vec![0; sent.len()];
    match stream.receive_exact(&mut got).await {
        Ok(()) => same(&got, sent),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Were some bytes changed? Fewer than all may come, if the server is cancelled.
fn same(got: &[u8], sent: &[u8]) -> io::Result<bool> {
    assert!(sent.starts_with(got), "other bytes came back than were sent");
    Ok(got.len() == sent.len())
}
