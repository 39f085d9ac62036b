//! The command line.

use std::time::Duration;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) connections: usize,
    pub(crate) bytes: usize,
    /// The measured part.
    pub(crate) seconds: Duration,
    pub(crate) warmup: Duration,
    /// Stops after so many, if that is sooner.
    pub(crate) messages: u64,
    pub(crate) pid: u32,
    pub(crate) sleeps: bool,
}

impl Options {
    pub(crate) fn read() -> Options {
        let port = bench_common::argument(1).and_then(|port| port.parse().ok()).expect("the first word is the port");
        let mut options = Options {
            port,
            connections: 1,
            bytes: 64,
            seconds: Duration::from_secs(120),
            warmup: Duration::ZERO,
            messages: u64::MAX,
            pid: 0,
            sleeps: false,
        };
        for word in std::env::args().skip(2) {
            let (name, value) = word.split_once('=').expect("the others are NAME=VALUE");
            let number: f64 = value.parse().expect("every value is a number");
            match name {
                "connections" => options.connections = number as usize,
                "bytes" => options.bytes = number as usize,
                "seconds" => options.seconds = Duration::from_secs_f64(number),
                "warmup" => options.warmup = Duration::from_secs_f64(number),
                "messages" => options.messages = number as u64,
                "pid" => options.pid = number as u32,
                "sleep" => options.sleeps = number > 0.0,
                _ => panic!("there is no option {name}"),
            }
        }
        options
    }
}
