//! `giambio-micro BENCH N`: does N operations of a benchmark and prints what one costs.
//! What each does is said where the same ones for the other runtimes are: `micro/suite`.

mod cancel;
mod cores;
mod parked;
mod spawn;
mod switch;
mod timers;
mod wake;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bench_common::{BATCH, Meter, TREE, argument, limit_life, name_and_size, timed};
use giambio::net::TcpListener;

fn main() {
    limit_life();
    let usage = "usage: giambio-micro BENCH N";
    let bench = argument(1).expect(usage);
    let n = argument(2).and_then(|n| n.parse().ok()).expect(usage);
    match name_and_size(&bench) {
        ("cores", Some(threads)) => cores::side_by_side(n, threads).print(),
        _ => giambio::run(beside_a_socket(measure(&bench, n))).print(),
    }
}

/// Where nobody waits for a socket, giambio does not look for I/O at all. Others do, and so does a real program.
async fn beside_a_socket<T>(work: impl Future<Output = T>) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let mut accept = pin!(listener.accept());
    poll_fn(|cx| {
        assert!(accept.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    work.await
}

async fn measure(bench: &str, n: u64) -> Meter {
    match name_and_size(bench) {
        ("spawn_seq", None) => spawn::sequence(n, 0).await,
        ("spawn_among", Some(parked)) => spawn::sequence(n, parked).await,
        ("spawn_batch", size) => spawn::batches(n, size.unwrap_or(BATCH)).await,
        ("tree", None) => spawn::trees(n.div_ceil(TREE)).await,
        ("yield", Some(tasks)) => timed(n, switch::yields(n, tasks, giambio::checkpoint)).await,
        ("selfwake", Some(tasks)) => timed(n, switch::yields(n, tasks, bench_common::SelfWake::default)).await,
        ("pingpong", None) => timed(n, switch::ping_pong(n, 0)).await,
        ("depth", Some(depth)) => timed(n, switch::ping_pong(n, depth)).await,
        ("timer_cancel", Some(live)) => timers::replace(n, live).await,
        ("timer_set", None) => timers::set(n).await,
        ("timer_fire", None) => timers::fire(n).await,
        ("cancel_all", None) => cancel::all(n).await,
        ("wake", None) => wake::from_thread(n).await,
        ("parked", None) => parked::memory(n).await,
        ("idle", Some(tasks)) => parked::idle(n, tasks).await,
        _ => micro_suite::lacks(bench),
    }
}
