//! Connections that come and go at random, with everything that can befall one: resets, half-closes,
//! peers that are slow, silent, or send byte by byte, tasks that are cancelled at any moment, listeners
//! that are closed under an accept. Bytes must arrive unchanged, and when all of it has calmed down,
//! memory, descriptors and the lateness of timers must be what they were.
//!
//! In the first round 10,000 connections are open at once, if the system gives so many descriptors. Those that follow in
//! the tests are smaller; `cargo xtask soak --minutes 10` goes on with 10,000 for long.

mod clients;
mod measure;
mod server;
#[expect(dead_code, reason = "more is known than is asked here")]
#[path = "../common/system.rs"]
mod system;

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use clients::Crowd;
use measure::{Sample, Samples};
use server::{News, Server};

/// Counts something for as long as it lives.
struct Open<'a>(&'a Cell<u64>);

impl Open<'_> {
    fn new(count: &Cell<u64>) -> Open<'_> {
        add(count);
        Open(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn add(count: &Cell<u64>) {
    count.set(count.get() + 1);
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

/// How many connections are open at once in a large round and in a small one.
const MANY: u64 = 10_000;
const FEW: u64 = 500;

/// Descriptors that a process has beside those of its connections: some that come, some that the other side has left
/// already.
const SPARE: u64 = 1_500;

#[test]
fn connections_come_and_go_at_random_and_leave_nothing() {
    let descriptors = system::raise_descriptor_limit();
    if server::is_wanted() {
        return server::serve();
    }
    let many = MANY.min(descriptors.saturating_sub(SPARE));
    if many < MANY {
        println!("{many} connections at once instead of {MANY}: the limit is {descriptors} descriptors a process");
    }
    let seconds = std::env::var("GIAMBIO_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(0));
    let news = &News::default();
    let began = Instant::now();
    let mut samples = Samples::default();
    thread::scope(|threads| {
        let server = Server::start(threads, "connections_come_and_go_at_random_and_leave_nothing", news);
        let mut sum = [0; 5];
        let mut round = 0;
        while round < 7 || began.elapsed() < time {
            let is_large = round == 0 || seconds.is_some();
            let crowd = Crowd::new(news, if is_large { many } else { FEW }, round);
            let lateness = giambio::run(crowd.come_and_go());
            news.await_calm();
            let sample = Sample::take(lateness, server.process());
            println!("{:>6.1} s  round {round}: {crowd}; afterwards {sample}", began.elapsed().as_secs_f64());
            for (sum, count) in sum.iter_mut().zip(crowd.numbers()) {
                *sum += count;
            }
            samples.push(sample);
            round += 1;
        }
        server.stop();
        let [came, served, cut_short, cancelled, refused] = sum;
        println!(
            "{came} connections, {} accepted: {served} served, {cut_short} cut short, {cancelled} cancelled, \
             {refused} refused",
            news.accepted.load(Relaxed)
        );
        assert!(served * 3 > came, "{served} of {came} were served");
    });
    samples.check();
}
