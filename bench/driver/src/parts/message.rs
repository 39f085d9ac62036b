//! What an echoed message costs in counts, and what a connection that waits takes of memory.

use super::Report;
use crate::machine::{cpus, has_perf};
use crate::numbers::{median, shown};
use crate::options::Options;
use crate::peers::Peers;
use crate::program::{Program, Scratch};
use crate::server::Server;
use crate::table::Table;

const CONNECTIONS: [usize; 2] = [1, 50];
const IDLE_CONNECTIONS: usize = 1000;

pub(super) fn run(options: &Options, peers: &Peers) -> Result<Report, String> {
    let mut table = Table::new([
        "server",
        "system calls, 1 connection",
        "50",
        "instructions, 1 connection",
        "50",
        "bytes per idle connection",
    ]);
    for peer in peers {
        let Some(program) = peer.echo else { continue };
        let mut cells = vec![peer.name.to_owned()];
        for connections in CONNECTIONS {
            cells.push(system_calls(program, connections).map_or_else(unknown, |count| format!("{count:.2}")));
        }
        for connections in CONNECTIONS {
            cells.push(instructions(program, connections).map_or_else(unknown, shown));
        }
        cells.push(memory(program, if options.quick { 1 } else { 3 }).map_or_else(unknown, shown));
        table.row(cells);
        eprintln!("message: {}", peer.name);
    }
    Ok(format!(
        "#### One echoed message of 64 B; a connection that waits\n\nInstructions are those of the program, not the \
         kernel's. Every server but the raw one holds a buffer of 4,096 B for each connection, which is counted.\n\n{}",
        table.text()
    )
    .into())
}

fn unknown(why: String) -> String {
    eprintln!("{why}");
    "-".to_owned()
}

/// By the difference of two runs: what does not depend on the messages falls out.
fn per_message(counts: [u64; 2], count: impl Fn(u64) -> Result<f64, String>) -> Result<f64, String> {
    let [few, many] = counts;
    let difference = count(many)? - count(few)?;
    if difference > 0.0 { Ok(difference / (many - few) as f64) } else { Err("the tool has counted nothing".to_owned()) }
}

fn clients(connections: usize, messages: u64, sleep: u8) -> Vec<String> {
    vec![format!("connections={connections}"), format!("messages={messages}"), format!("sleep={sleep}")]
}

fn system_calls(program: (&str, &str), connections: usize) -> Result<f64, String> {
    per_message([1_000, 11_000], |messages| {
        let scratch = Scratch::new("calls");
        let words = clients(connections, messages, 0);
        if has_perf() {
            let server = Server::start(program, |program| program)?;
            let perf = Program::other("perf").arg("stat").arg("-x,").arg("-o").arg(&scratch.0);
            let perf = perf.arg("-e").arg("raw_syscalls:sys_enter").arg("-p").arg(server.id().to_string());
            server.clients(&words, |load| load.on(cpus().0).within(perf))?;
            return scratch.system_calls();
        }
        // `-D`: the server is the process that is started and ended, and strace watches it from the side.
        let strace = Program::other("strace").arg("-D").arg("-f").arg("-c").arg("-o").arg(&scratch.0);
        let server = Server::start(program, |program| program.within(strace))?;
        server.load(cpus().0, &words)?;
        server.end();
        total_of_strace(&scratch)
    })
}

/// strace writes when the server has ended.
fn total_of_strace(scratch: &Scratch) -> Result<f64, String> {
    for _ in 0..100 {
        if let Ok(count) = scratch.system_calls() {
            return Ok(count);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Err("strace has counted nothing".to_owned())
}

fn instructions(program: (&str, &str), connections: usize) -> Result<f64, String> {
    per_message([500, 2_500], |messages| {
        let scratch = Scratch::new("callgrind");
        let server = Server::start(program, |program| program.counting_instructions(true, &scratch))?;
        server.load(cpus().0, &clients(connections, messages, 1))?;
        server.end();
        Ok(scratch.instructions())
    })
}

fn memory(program: (&str, &str), rounds: usize) -> Result<f64, String> {
    let mut grown = Vec::new();
    for _ in 0..rounds {
        let server = Server::start(program, |program| program)?;
        let numbers = server.load(cpus().0, &clients(IDLE_CONNECTIONS, 0, 1))?;
        grown.push((numbers.get("rss1") - numbers.get("rss0")) * 1024.0 / IDLE_CONNECTIONS as f64);
    }
    Ok(median(grown))
}
