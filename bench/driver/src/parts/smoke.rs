//! Do giambio's own programs work? Each benchmark for a moment, and an echo server with a few clients. No figure of this
//! means anything.

use super::{growth, latency, micro, sync, system};
use crate::build;
use crate::peers::{self, OURS, Peer};
use crate::program::Program;
use crate::server::Server;

const OPERATIONS: u64 = 500;
const MESSAGES: u64 = 500;
/// Each task of some hundreds has its turn.
const SPOKEN: u64 = 1000;

/// # Errors
/// What does not work.
pub(crate) fn run() -> Result<(), String> {
    let ours: &Peer = peers::PEERS.iter().find(|peer| peer.name == OURS).ok_or("giambio is not among the peers")?;
    build::all(&[ours])?;
    let (package, _) = ours.micro.ok_or("giambio has no benchmarks")?;
    let benches = micro::benches().map(str::to_owned).chain(latency::benches()).chain(growth::small_benches());
    for bench in benches {
        let numbers = Program::new(package).arg(&bench).arg(OPERATIONS.to_string()).life(60).run()?;
        let numbers = numbers.ok_or(format!("giambio lacks the benchmark {bench}"))?;
        if numbers.get("ops") < OPERATIONS as f64 || !numbers.get("cpu_ns").is_finite() {
            return Err(format!("{bench} says {numbers:?}"));
        }
    }
    build::with_words("sync-micro", &["--no-default-features"])?;
    for bench in sync::benches() {
        let program = Program::new("sync-micro").arg(OURS).arg(bench).arg(SPOKEN.to_string()).life(60);
        let numbers = program.run()?.ok_or(format!("giambio lacks the benchmark {bench}"))?;
        if numbers.get("ops") < OPERATIONS as f64 {
            return Err(format!("{bench} says {numbers:?}"));
        }
    }
    build::with_words("system-micro", &["--no-default-features"])?;
    for bench in system::benches() {
        let n = system::operations(bench, true).min(OPERATIONS);
        let numbers = Program::new("system-micro").arg(OURS).arg(bench).arg(n.to_string()).life(60).run()?;
        let ops = numbers.ok_or(format!("giambio lacks the benchmark {bench}"))?.get("ops");
        if ops != n as f64 {
            return Err(format!("{bench} did {ops} operations, not {n}"));
        }
    }
    let echo = ours.echo.ok_or("giambio has no echo server")?;
    let server = Server::start(echo, |program| program)?;
    let words = ["connections=20".to_owned(), format!("messages={MESSAGES}"), "sleep=1".to_owned()];
    let numbers = server.clients(&words, Program::on_all)?;
    if numbers.get("messages") != MESSAGES as f64 {
        return Err(format!("{MESSAGES} messages were sent to the echo server: {numbers:?}"));
    }
    server.end();
    Ok(())
}
