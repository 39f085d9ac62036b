//! `system-micro VARIANT BENCH N`: does N operations with what a library has of the operating system, on one thread and those
//! that it starts itself, and prints what one costs. A variant is a library; `bare` makes the same calls without any.
//!
//! | benchmark | one operation |
//! | --- | --- |
//! | `udp_K` | a datagram of 64 B goes from one of K sockets to a server's and back |
//! | `unix_K` | 64 B go through one of K Unix connections and back |
//! | `pipe` | 1 MiB goes through a pipe, in pieces of 64 KiB |
//! | `copy` | 1 MiB goes from one connection to another by the library's copy of both directions, and is summed up at both ends |
//! | `process` | a program, `true`, is started and its end waited for |
//! | `large_file` | a file of 64 MiB is read |
//! | `small_file` | a file of 1 KiB is read, the next one of 10,000 |
//! | `unblock` | a call is made on another thread, and awaited |

mod benches;
mod libraries;
mod scratch;

use std::process::ExitCode;

use bench_common::argument;

use benches::run;
use libraries::{bare, giambio};
#[cfg(feature = "peers")]
use libraries::{compio, smol, tokio};

fn main() -> ExitCode {
    let (bench, n) = micro_suite::arguments();
    match argument(1).as_deref() {
        Some("bare") => bare::run(&bench, n),
        Some("giambio") => run::<giambio::Giambio>(&bench, n),
        #[cfg(feature = "peers")]
        Some("tokio") => run::<tokio::Tokio>(&bench, n),
        #[cfg(feature = "peers")]
        Some("smol") => run::<smol::Smol>(&bench, n),
        #[cfg(feature = "peers")]
        Some("compio-epoll") => run::<compio::Epoll>(&bench, n),
        #[cfg(feature = "peers")]
        Some("compio-uring") => run::<compio::Uring>(&bench, n),
        variant => {
            eprintln!("there is no variant {variant:?}: its name stands in micro/system/src/main.rs");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
