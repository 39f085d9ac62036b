//! `load PORT connections=N bytes=B (seconds=S | messages=M) [warmup=S] [pid=P] [sleep=1]`
//!
//! Clients of an echo server, on one thread: each connection has one message in flight, and the next goes out as soon
//! as the echo is complete. The first echo of each is compared byte for byte; later ones are thrown away in the kernel,
//! so that a client costs less than any server. It spins on its epoll set, having a CPU to itself, unless told to
//! sleep. Of the server with the given pid it reports the CPU time within the measured part, and the memory before
//! there were connections (`rss0`), and with all of them open and idle (`rss1`).

mod clients;
mod histogram;
mod options;
mod system;

use std::time::{Duration, Instant};

use clients::Clients;
use histogram::Histogram;
use options::Options;
use system::{Snapshot, anonymous_kib};

fn main() {
    bench_common::limit_life();
    let options = Options::read();
    let rss0 = anonymous_kib(options.pid);
    let mut clients = Clients::connect(&options);
    let rss1 = anonymous_kib(options.pid);

    let mut latencies = Histogram::new();
    let (mut sent, mut done) = (0, 0);
    let begin = Instant::now() + options.warmup;
    let end = begin + options.seconds;
    let mut before = options.warmup.is_zero().then(|| (Snapshot::take(options.pid), 0));
    let mut after = None;
    while sent < options.messages && sent < clients.len() as u64 {
        clients.send(sent as usize);
        sent += 1;
    }
    let mut in_flight = sent;
    while in_flight > 0 {
        let now = Instant::now();
        if before.is_none() && now >= begin {
            before = Some((Snapshot::take(options.pid), done));
        }
        if after.is_none() && now >= end {
            after = Some((Snapshot::take(options.pid), done));
        }
        assert!(now < end + Duration::from_secs(5), "{in_flight} messages unanswered 5 s after the end");
        clients.wait(|took| {
            done += 1;
            if before.is_some() && after.is_none() {
                latencies.add(took.as_nanos() as u64);
            }
            let again = now < end && sent < options.messages;
            match again {
                true => sent += 1,
                false => in_flight -= 1,
            }
            again
        });
    }
    let (before, done_before) = before.expect("the measured part has begun");
    let (after, done_after) = after.unwrap_or_else(|| (Snapshot::take(options.pid), done));
    let messages = (done_after - done_before) as f64;
    let part = after.since(&before);
    println!(
        "messages={messages} per_second={:.1} p50_us={:.2} p99_us={:.2} server_cpu_ns={:.1} server_busy={:.3} \
         server_waits={:.3} load_busy={:.3} stolen={:.3} rss0={rss0} rss1={rss1}",
        messages / part.seconds,
        latencies.quantile(0.5) / 1e3,
        latencies.quantile(0.99) / 1e3,
        part.server_cpu * 1e9 / messages,
        part.server_cpu / part.seconds,
        part.server_waits / part.seconds,
        part.own_cpu / part.seconds,
        part.stolen / part.seconds,
    );
}
