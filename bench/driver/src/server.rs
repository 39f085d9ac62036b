//! An echo server that runs, and the clients that it is measured with.

use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::machine::cpus;
use crate::numbers::Numbers;
use crate::program::Program;

/// Ended when dropped, by its own process id; it would end itself later, too.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server of a package, on the CPU for what is measured, and waits until it listens.
    pub(crate) fn start(
        (package, variant): (&str, &str),
        prepare: impl FnOnce(Program) -> Program,
    ) -> Result<Server, String> {
        let port = free_port()?;
        let program = Program::new(package).arg(port.to_string()).on(cpus().1).life(3600);
        let program = variant.split_whitespace().fold(program, Program::arg);
        let mut server = Server { child: prepare(program).start()?, port };
        let patience = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("{package} {variant}: {status}"));
            }
            if Instant::now() > patience {
                return Err(format!("{package} {variant} does not listen"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(30)); // it forgets that connection
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The clients, on a CPU; `words` go to `load`.
    pub(crate) fn load(&self, cpu: usize, words: &[String]) -> Result<Numbers, String> {
        self.clients(words, |load| load.on(cpu))
    }

    /// The clients, as `prepare` has them run.
    pub(crate) fn clients(
        &self,
        words: &[String],
        prepare: impl FnOnce(Program) -> Program,
    ) -> Result<Numbers, String> {
        let load = Program::new("load").arg(self.port.to_string()).arg(format!("pid={}", self.id()));
        let load = words.iter().fold(load, Program::arg);
        prepare(load).run()?.ok_or_else(|| "load has no benchmarks to lack".to_owned())
    }

    /// Ends it in peace, so that tools write what they have counted.
    pub(crate) fn end(mut self) {
        self.terminate();
    }

    fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        let _ = kill_process(pid, Signal::TERM);
        let patience = Instant::now() + Duration::from_secs(20);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > patience {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// A port that nobody has; the system does not give it out again soon.
fn free_port() -> Result<u16, String> {
    let socket = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    socket.map(|address| address.port()).map_err(|error| format!("no port: {error}"))
}
