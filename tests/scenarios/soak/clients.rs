//! Clients of every temper.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use giambio::net::TcpStream;
use giambio::{Nursery, fail_after, move_on_after, nursery, sleep};

use crate::server::News;
use crate::{Open, Rng, add};

/// How long a client may take that nobody disturbs. Only a bug or a dying machine needs it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many clients may be on their way to a connection.
const COMING: u64 = 300;

/// The clients of a round, and what became of them.
pub(crate) struct Crowd<'a> {
    server: &'a News,
    /// How many connections are to be open at once.
    at_once: u64,
    round: u64,
    /// So many were.
    is_full: Cell<bool>,
    most: Cell<u64>,
    coming: Cell<u64>,
    here: Cell<u64>,
    came: Cell<u64>,
    /// Clients that got back all that they had sent.
    served: Cell<u64>,
    cut_short: Cell<u64>,
    cancelled: Cell<u64>,
    refused: Cell<u64>,
}

impl fmt::Display for Crowd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} came, {} at once", self.came.get(), self.most.get())
    }
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(server: &'a News, at_once: u64, round: u64) -> Self {
        let zero = || Cell::new(0);
        let [most, coming, here, came, served, cut_short, cancelled, refused] = [(); 8].map(|()| zero());
        let is_full = Cell::new(false);
        Crowd { server, at_once, round, is_full, most, coming, here, came, served, cut_short, cancelled, refused }
    }

    /// Connections, and what became of them: served, cut short, cancelled, refused.
    pub(crate) fn numbers(&self) -> [u64; 5] {
        [&self.came, &self.served, &self.cut_short, &self.cancelled, &self.refused].map(Cell::get)
    }

    /// Fills the server with connections, then lets as many again and half as many go and others come. Returns how late
    /// the timers were meanwhile.
    pub(crate) async fn come_and_go(&self) -> Vec<Duration> {
        let mut lateness = Vec::new();
        let result = nursery(async |n| {
            n.child().daemon().spawn(watch(&mut lateness));
            let mut rng = Rng(self.round);
            let mut more = self.at_once * 3 / 2;
            for number in 0.. {
                while self.coming.get() >= COMING || self.open() >= self.at_once {
                    self.note();
                    sleep(Duration::from_millis(1)).await;
                }
                self.note();
                if self.is_full.get() {
                    more -= 1;
                }
                if more == 0 {
                    break;
                }
                assert!(number < self.at_once * 20, "so many never are here at once: {self}");
                self.come(n, Rng(self.round << 32 | number), &mut rng).await;
            }
            Ok::<_, io::Error>(())
        });
        result.await.unwrap();
        lateness
    }

    /// How many connections both sides have.
    fn open(&self) -> u64 {
        self.here.get().min(self.server.open.load(Relaxed))
    }

    fn note(&self) {
        self.most.set(self.most.get().max(self.open()));
        self.is_full.set(self.most.get() >= self.at_once);
    }

    /// Starts a client; some are cancelled before they are done.
    async fn come<'s, 'env>(&'env self, n: Nursery<'s, 'env, io::Error>, mut own: Rng, rng: &mut Rng) {
        let coming = Open::new(&self.coming);
        let task = n.spawn(async move {
            let address = self.server.address(&mut own);
            let connected = TcpStream::connect(address).await;
            drop(coming);
            // A listener may be gone by now.
            let Ok(stream) = connected else { return Ok(add(&self.refused)) };
            add(&self.came);
            let _here = Open::new(&self.here);
            if !self.stay(&stream, &mut own).await {
                return Ok(add(&self.cut_short));
            }
            match fail_after(PATIENCE, client(&stream, &mut own)).await {
                Ok(Ok(true)) => add(&self.served),
                Ok(Ok(false) | Err(_)) => add(&self.cut_short),
                Err(_) => panic!("a client waits for its answer in vain"),
            }
            Ok(())
        });
        match rng.below(12) {
            0 => {
                let span = if rng.below(2) == 0 { rng.millis(40) } else { self.pause(rng) };
                n.spawn(async move {
                    sleep(span).await;
                    if !task.is_finished() {
                        add(&self.cancelled);
                    }
                    task.cancel();
                    Ok(())
                });
            }
            1 => sleep(rng.millis(3)).await,
            _ => {}
        }
    }

    /// Some time, longer where many want to be here at once.
    fn pause(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(20 + rng.below(self.at_once / 3))
    }

    /// Is silent until all are here, and for some time more; looks now and then whether the other side is. False: it has
    /// left.
    async fn stay(&self, stream: &TcpStream, rng: &mut Rng) -> bool {
        loop {
            let is_last = self.is_full.get();
            match move_on_after(self.pause(rng), stream.receive(&mut [0; 1])).await {
                None if is_last => return true,
                None => {}
                Some(Ok(1..)) => panic!("a byte came that nobody had sent"),
                Some(Ok(0) | Err(_)) => return false,
            }
        }
    }
}

/// Sleeps for short times, and notes how much longer it took.
async fn watch(lateness: &mut Vec<Duration>) -> io::Result<()> {
    loop {
        let (span, began) = (Duration::from_millis(5), Instant::now());
        sleep(span).await;
        lateness.push(began.elapsed() - span);
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
