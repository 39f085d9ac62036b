//! One thread, and two: what is shared between them would show. The programs and the clients have all CPUs here, so that
//! two threads can't be twice as fast on a machine with two.

use super::Report;
use crate::numbers::{Numbers, median, ratio, shown};
use crate::options::Options;
use crate::peers::Peers;
use crate::program::Program;
use crate::server::Server;
use crate::table::Table;

const THREADS: [usize; 2] = [1, 2];
/// Microseconds for each message: the clients need about ten.
const WORK: u32 = 200;

/// What is shown, by the name that a program prints, with a factor.
const IN_PROCESS: [(&str, &str, f64); 2] =
    [("ns", "spawn + await, wall ns for each", 1.0), ("cpu_ns", "spawn + await, CPU ns for each", 1.0)];
const ECHO: [(&str, &str, f64); 3] = [
    ("per_second", "echo with 200 µs of work, messages/s", 1.0),
    ("server_cpu_ns", "the same, CPU µs for each message", 1e-3),
    ("p99_us", "the same, p99 µs", 1.0),
];

pub(super) fn run(options: &Options, _: &Peers) -> Result<Report, String> {
    let mut found: [Vec<(Numbers, Numbers)>; 2] = Default::default();
    for _ in options.rounds("cores", 5, 2) {
        for (threads, found) in THREADS.iter().zip(&mut found) {
            found.push((in_process(*threads)?, echo(*threads, options.quick)?));
        }
    }
    let mut table = Table::new(["giambio", "1 thread", "2 threads", "ratio"]);
    let mut row = |title: &str, value: &dyn Fn(&(Numbers, Numbers)) -> f64| {
        let [one, two] = &found;
        let ratios = two.iter().zip(one).map(|(two, one)| value(two) / value(one));
        let medians = [one, two].map(|rounds| shown(median(rounds.iter().map(value))));
        table.row([title.to_owned()].into_iter().chain(medians).chain([ratio(median(ratios))]).collect());
    };
    for (name, title, factor) in IN_PROCESS {
        row(title, &|(in_process, _)| in_process.get(name) * factor);
    }
    for (name, title, factor) in ECHO {
        row(title, &|(_, echo)| echo.get(name) * factor);
    }
    Ok(format!("#### One thread and two, with a runtime each\n\n{}", table.text()).into())
}

fn in_process(threads: usize) -> Result<Numbers, String> {
    let program = Program::new("giambio-micro").arg(format!("cores_{threads}")).arg("1000000");
    program.run()?.ok_or_else(|| "giambio lacks the benchmark of cores".to_owned())
}

fn echo(threads: usize, quick: bool) -> Result<Numbers, String> {
    let server = Server::start(("giambio-echo", &format!("{threads} {WORK}")), Program::on_all)?;
    let seconds = if quick { 0.5 } else { 1.0 };
    let words = ["connections=40", "bytes=64", "warmup=0.1", "sleep=1"].map(str::to_owned);
    server.clients(&[&words[..], &[format!("seconds={seconds}")]].concat(), Program::on_all)
}
