//! A server that echoes, in a process of its own, since one process may not have descriptors for both ends of so many
//! connections; some of its listeners are closed now and then.
//!
//! The server is this very program, started once more. It says how it is on its standard output, a line each 20 ms, and
//! ends with its standard input, so that it never outlives who has started it.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use giambio::net::{TcpListener, TcpStream};
use giambio::{Nursery, checkpoint, finally, move_on_after, nursery, sleep};

use crate::{Open, Rng};

/// What a line about the server begins with; the harness of the tests says something too.
const MARK: &str = "the server: ";

/// Set for the process that is the server.
const ROLE: &str = "GIAMBIO_SOAK_SERVES";

pub(crate) fn is_wanted() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// What its last line said.
#[derive(Default, Debug)]
pub(crate) struct News {
    /// Lines so far.
    lines: AtomicU64,
    pub(crate) accepted: AtomicU64,
    /// Connections that it still has.
    pub(crate) open: AtomicU64,
    /// Listeners that were closed under an accept.
    listeners: AtomicU64,
    addresses: Mutex<Vec<SocketAddr>>,
}

impl News {
    fn read(&self, line: &str) {
        let Some((_, line)) = line.split_once(MARK) else { return };
        let mut words = line.split(' ');
        for number in [&self.accepted, &self.open, &self.listeners] {
            number.store(words.next().and_then(|word| word.parse().ok()).unwrap(), Relaxed);
        }
        *self.addresses.lock().unwrap() = words.map(|word| word.parse().unwrap()).collect();
        self.lines.fetch_add(1, Relaxed);
    }

    /// One of its addresses. It may be gone when you come.
    pub(crate) fn address(&self, rng: &mut Rng) -> SocketAddr {
        let addresses = self.addresses.lock().unwrap();
        addresses[rng.below(addresses.len() as u64) as usize]
    }

    /// Waits until the server has seen the ends of all connections, and closed its own.
    pub(crate) fn await_calm(&self) {
        let (began, seen) = (Instant::now(), self.lines.load(Relaxed));
        // The line that comes next may have been written before the end.
        while self.open.load(Relaxed) > 0 || self.lines.load(Relaxed) < seen + 2 {
            thread::sleep(Duration::from_millis(10));
            assert!(began.elapsed() < Duration::from_secs(120), "the server keeps connections: {self:?}");
        }
    }
}

/// The process; it ends when this is dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it; a thread reads what it says.
    pub(crate) fn start<'s>(threads: &'s Scope<'s, '_>, test: &str, news: &'s News) -> Server {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(ROLE, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Server(command.spawn().unwrap());
        let lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        threads.spawn(move || lines.map_while(Result::ok).for_each(|line| news.read(&line)));
        while news.lines.load(Relaxed) == 0 {
            thread::sleep(Duration::from_millis(5));
            assert!(server.0.try_wait().unwrap().is_none(), "the server doesn't start");
        }
        server
    }

    pub(crate) fn process(&self) -> u32 {
        self.0.id()
    }

    /// Lets it end, and looks how it did.
    pub(crate) fn stop(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success(), "the server failed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const LISTENERS: u8 = 4;

/// Connections from an address to another have some 28,000 ports, so there are several, where the system lets them.
async fn bind(number: u8) -> io::Result<TcpListener> {
    TcpListener::bind([[127, 0, 0, 1 + number], [127, 0, 0, 1]].map(|host| SocketAddr::from((host, 0)))).await
}

/// What the server counts.
#[derive(Default)]
struct Counts {
    accepted: Cell<u64>,
    open: Cell<u64>,
    listeners: Cell<u64>,
    addresses: RefCell<Vec<SocketAddr>>,
}

/// What the process does that is the server.
pub(crate) fn serve() {
    static OVER: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        OVER.store(true, Relaxed);
    });
    let counts = &Counts::default();
    let all: io::Result<()> = giambio::run(nursery(async |n| {
        for number in 0..LISTENERS {
            let listener = bind(number).await?;
            counts.addresses.borrow_mut().push(listener.local_addr()?);
            n.child().daemon().spawn(listen(n, number, listener, counts));
        }
        while !OVER.load(Relaxed) {
            tell(counts);
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }));
    all.unwrap();
}

fn tell(counts: &Counts) {
    let mut line = format!("{MARK}{} {} {}", counts.accepted.get(), counts.open.get(), counts.listeners.get());
    for address in &*counts.addresses.borrow() {
        let _ = write!(line, " {address}");
    }
    println!("{line}");
}

/// Listens for ever. The first listener stays, the others are closed under their accepts, and there are new ones.
async fn listen<'env>(
    n: Nursery<'_, 'env, io::Error>,
    number: u8,
    mut listener: TcpListener,
    counts: &'env Counts,
) -> io::Result<()> {
    let mut rng = Rng(number.into());
    loop {
        let life = Duration::from_millis(200 + rng.below(2_000));
        accept(n, &listener, (number > 0).then_some(life), counts, &mut rng).await?;
        counts.listeners.set(counts.listeners.get() + 1);
        listener = bind(number).await?;
        counts.addresses.borrow_mut()[usize::from(number)] = listener.local_addr()?;
    }
}

/// Accepts until the listener is closed; connections live on in `n` until they end.
async fn accept<'env>(
    n: Nursery<'_, 'env, io::Error>,
    listener: &TcpListener,
    life: Option<Duration>,
    counts: &'env Counts,
    rng: &mut Rng,
) -> io::Result<()> {
    nursery(async |own| {
        if let Some(life) = life {
            own.child().daemon().spawn(async move {
                sleep(life).await;
                listener.close();
                Ok(std::future::pending().await)
            });
        }
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // Closed by the daemon.
                Err(_) if life.is_some() && listener.local_addr().is_err() => return Ok(()),
                Err(error) => return Err(error),
            };
            counts.accepted.set(counts.accepted.get() + 1);
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
            match chance {
                2 => {
                    checkpoint().await;
                    task.cancel();
                }
                3 => drop(n.child().daemon().spawn(async move {
                    sleep(life * 10).await;
                    task.cancel();
                    Ok(())
                })),
                _ => {}
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
