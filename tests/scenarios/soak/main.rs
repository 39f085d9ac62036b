//! Connections that come and go at random, with everything that can befall one: resets, half-closes,
//! peers that are slow, silent, or send byte by byte, tasks that are cancelled at any moment, listeners
//! that are closed under an accept. Bytes must arrive unchanged, and when all of it has calmed down,
//! memory, descriptors and the lateness of timers must be what they were.
//!
//! `cargo xtask soak --minutes 10` does it for long; in the tests it takes some seconds.

mod clients;
mod measure;
mod server;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use measure::{Sample, Samples};

/// What happened, counted by both sides.
#[derive(Default, Debug)]
struct Counts {
    connected: AtomicU64,
    /// Clients that got back all that they had sent.
    served: AtomicU64,
    broken_off: AtomicU64,
    cancelled: AtomicU64,
    accepted: AtomicU64,
    /// Connections that the server still has.
    open: AtomicU64,
    /// Listeners that were closed under an accept.
    listeners: AtomicU64,
}

/// Counts something for as long as it lives.
struct Open<'a>(&'a AtomicU64);

impl Open<'_> {
    fn new(count: &AtomicU64) -> Open<'_> {
        add(count);
        Open(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Relaxed);
}

/// Numbers from a seed (splitmix64).
#[derive(Clone)]
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn millis(&mut self, below: u64) -> Duration {
        Duration::from_millis(self.below(below))
    }
}

/// How many connections there are in a round, and how many of them at a time at most.
const EACH_ROUND: u64 = 2_000;
const AT_ONCE: usize = 1_000;

#[test]
fn connections_come_and_go_at_random_and_leave_nothing() {
    let seconds = std::env::var("GIAMBIO_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let (least_rounds, time) = (6, Duration::from_secs(seconds.unwrap_or(1)));
    let counts = &Counts::default();
    let began = Instant::now();
    let mut samples = Samples::default();
    thread::scope(|threads| {
        let server = server::Server::start(threads, counts);
        let mut round = 0;
        while round < least_rounds || began.elapsed() < time {
            let lateness = giambio::run(clients::round(&server, counts, round));
            // The server has seen the ends of all of them, and closed its own.
            while counts.open.load(Relaxed) > 0 {
                thread::sleep(Duration::from_millis(10));
                assert!(began.elapsed() < time + Duration::from_secs(120), "the server keeps connections: {counts:?}");
            }
            let sample = Sample::take(lateness);
            println!("{:>6.1} s  round {round}: {sample}", began.elapsed().as_secs_f64());
            samples.push(sample);
            round += 1;
        }
        server.stop();
    });
    println!("{counts:?}");
    let (connected, served) = (counts.connected.load(Relaxed), counts.served.load(Relaxed));
    assert!(connected >= 10_000, "{connected} connections are not many");
    assert!(served * 4 > connected, "{served} of {connected} were served");
    samples.check();
}
