//! `sync-micro VARIANT BENCH N`: does N operations with what a library has for tasks that speak to each other, and prints what
//! one costs. A variant is a library on the executor of its family, on one thread, or in giambio (`tokio-in-giambio`).
//!
//! | benchmark | one operation |
//! | --- | --- |
//! | `lock` | a mutex that nobody else wants is locked and unlocked |
//! | `lock_K` | a mutex goes from one to the next of K tasks, each of which holds it while it gives way |
//! | `permit` | a permit of a semaphore is taken and given back |
//! | `pass` | a value is sent into an empty channel, and received by the same task |
//! | `channel_N_K` | a value goes through a channel with N places, from K - 1 tasks to one |
//! | `crowd_N_K` | the same, from K / 2 tasks to K / 2 |
//! | `oneshot` | a channel for one value is made, a value waited for, sent and received |
//! | `broadcast_K` | one of K tasks receives what was sent to all of them |
//! | `watch_K` | one of K tasks is told that a value has changed, and reads it |
//! | `bell` | two tasks tell each other something: there and back |
//! | `pause_K` | nothing: K tasks give way, as they do in `lock_K`, `broadcast_K` and `watch_K` |
//! | `waiter_lock`, `waiter_receive`, `waiter_bell` | somebody begins to wait and gives up; tells the bytes of its future |

#![cfg_attr(feature = "peers", expect(refining_impl_trait, reason = "what a guard is called is nobody's business"))]

mod benches;
mod executors;
mod libraries;

use std::process::ExitCode;

use bench_common::argument;
#[cfg(feature = "peers")]
use executors::{Embassy, Pool, Smol, Tokio};

use benches::run;
use executors::Giambio;
use libraries::giambio;
#[cfg(feature = "peers")]
use libraries::{embassy, flume, futures, smol, tokio};

fn main() -> ExitCode {
    let (bench, n) = micro_suite::arguments();
    match argument(1).as_deref() {
        Some("giambio") => run::<Giambio, giambio::OfOneRuntime>(&bench, n),
        Some("giambio-shared") => run::<Giambio, giambio::OfEverybody>(&bench, n),
        #[cfg(feature = "peers")]
        Some("tokio") => run::<Tokio, tokio::Tokio>(&bench, n),
        #[cfg(feature = "peers")]
        Some("tokio-in-giambio") => run::<Giambio, tokio::Tokio>(&bench, n),
        #[cfg(feature = "peers")]
        Some("smol") => run::<Smol, smol::Smol>(&bench, n),
        #[cfg(feature = "peers")]
        Some("smol-in-giambio") => run::<Giambio, smol::Smol>(&bench, n),
        #[cfg(feature = "peers")]
        Some("flume") => run::<Smol, flume::Flume>(&bench, n),
        #[cfg(feature = "peers")]
        Some("flume-in-giambio") => run::<Giambio, flume::Flume>(&bench, n),
        #[cfg(feature = "peers")]
        Some("futures") => run::<Pool, futures::Futures>(&bench, n),
        #[cfg(feature = "peers")]
        Some("embassy") => run::<Embassy, embassy::OfOneExecutor>(&bench, n),
        #[cfg(feature = "peers")]
        Some("embassy-shared") => run::<Embassy, embassy::OfEverybody>(&bench, n),
        variant => {
            eprintln!("there is no variant {variant:?}: its name stands in micro/sync/src/main.rs");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
