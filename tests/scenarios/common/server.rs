//! The echo server, as a process of its own, with its log.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::programs::{Running, example, words};
use super::{Client, PATIENCE, WELCOME, eventually};

/// A server that is running.
pub(crate) struct Server {
    process: Running,
    pub(crate) address: SocketAddr,
    log: Log,
}

/// A server that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// Its log, without times.
    pub(crate) log: Vec<String>,
}

impl Server {
    /// At an address of its own, logging everything.
    pub(crate) fn start() -> Server {
        Server::start_as(example("echo_server").arg("127.0.0.1:0"))
    }

    /// The same by another command line, which must log where it listens.
    pub(crate) fn start_as(command: &mut Command) -> Server {
        let (process, log) = spawn(command);
        let mut server = Server { process, address: ([127, 0, 0, 1], 0).into(), log };
        let line = server.await_log("Serving asynchronously at ");
        let (_, port) = line.rsplit_once(':').unwrap();
        server.address.set_port(port.parse().unwrap());
        server
    }

    /// Logging nothing but errors; `wrapper` is a program to start it with, if any.
    pub(crate) fn start_quiet(wrapper: &[&str]) -> Server {
        Server::start_unannounced(wrapper, &["--quiet"])
    }

    /// The same with other arguments that keep it from telling where it listens.
    pub(crate) fn start_unannounced(wrapper: &[&str], arguments: &[&str]) -> Server {
        // It can't tell which port it got, so it is told one that was free a moment ago.
        for _ in 0..10 {
            let address = unused_address();
            let program = words("echo_server");
            let mut words = wrapper.iter().copied().chain(program.iter().map(String::as_str));
            let mut command = Command::new(words.next().unwrap());
            let (process, log) = spawn(command.args(words).args(arguments).arg(address.to_string()));
            let mut server = Server { process, address, log };
            let start = Instant::now();
            while server.process.0.try_wait().unwrap().is_none() && start.elapsed() < PATIENCE {
                if let Ok(socket) = TcpStream::connect(address) {
                    let mut first = Client::over(socket);
                    first.expect(WELCOME);
                    first.leave(); // leaves no trace
                    return server;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        panic!("the server doesn't start");
    }

    pub(crate) fn client(&self) -> Client {
        Client::greeted(self.address)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// What it has logged so far, without times.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// Waits for a line that has this in it.
    #[track_caller]
    pub(crate) fn await_log(&self, part: &str) -> String {
        let find = || self.log().into_iter().find(|line| line.contains(part));
        eventually(&format!("a log with {part:?}"), || find().is_some());
        find().unwrap()
    }

    pub(crate) fn press_ctrl_c(&self) {
        self.signal(Signal::INT);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let mut status = None;
        eventually("the server ends", || {
            status = self.process.0.try_wait().unwrap();
            status.is_some()
        });
        let reader = self.log.reader.take().unwrap();
        reader.join().unwrap();
        Ended { status: status.unwrap(), log: self.log() }
    }

    /// It is unharmed: a new client is served.
    #[track_caller]
    pub(crate) fn assert_serves(&self) {
        let mut client = self.client();
        client.echo("still there?\n");
        assert_eq!(client.leave(), "");
    }
}

/// Collects a log, so that who writes it never has to wait.
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// Nobody listens there, and nobody else gets it from here: this process has a loopback address of its own, where a
/// system has more than one, and takes no port twice.
fn unused_address() -> SocketAddr {
    static TAKEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let listen = |address: [u8; 4]| TcpListener::bind(SocketAddr::from((address, 0)));
    loop {
        let listener = listen([127, high | 1 << 7, middle, low]).or_else(|_| listen([127, 0, 0, 1])).unwrap();
        let address = listener.local_addr().unwrap();
        let mut taken = TAKEN.lock().unwrap();
        if !taken.contains(&address.port()) {
            taken.push(address.port());
            return address;
        }
    }
}

fn spawn(command: &mut Command) -> (Running, Log) {
    let piped = command.env_remove("RUST_LOG").stdin(Stdio::null()).stderr(Stdio::piped());
    let mut process = Running(piped.spawn().unwrap());
    let lines = Arc::default();
    let errors = process.0.stderr.take().unwrap();
    let reader = thread::spawn({
        let lines = Arc::clone(&lines);
        move || collect(errors, &lines)
    });
    (process, Log { lines, reader: Some(reader) })
}

fn collect(errors: ChildStderr, lines: &Mutex<Vec<String>>) {
    for line in BufReader::new(errors).lines() {
        lines.lock().unwrap().push(without_time(&line.unwrap()));
    }
}

/// "2026-11-24T03:06:14.405977Z  INFO text" is "INFO text".
fn without_time(line: &str) -> String {
    match line.split_once("Z ") {
        Some((time, rest)) if time.starts_with("20") => rest.trim_start().to_owned(),
        _ => line.to_owned(),
    }
}
