//! For runtimes that spawn `'static` tasks on one thread.

mod parked;
mod spawn;
mod switch;
mod timers;

use std::future::Future;
use std::time::Duration;

use bench_common::{BATCH, Bell, Meter, SelfWake, TREE, name_and_size, timed};

use crate::{arguments, lacks};

/// A runtime on one thread.
pub trait Runtime: 'static {
    /// The handle of a task.
    type Task<T: 'static>: 'static;

    /// Runs a future to its end.
    fn block_on<F: Future>(main: F) -> F::Output;

    /// Spawns a task.
    fn spawn<F: Future<Output: 'static> + 'static>(task: F) -> Self::Task<F::Output>;

    /// Awaits a task.
    fn join<T: 'static>(task: Self::Task<T>) -> impl Future<Output = T>;

    /// Yields, in the runtime's own way if it has one.
    fn pause() -> impl Future<Output = ()> {
        SelfWake::default()
    }

    /// A timer.
    fn sleep(_span: Duration) -> impl Future<Output = ()> + 'static {
        async { lacks("with timers") }
    }

    /// Cancels tasks and waits until they are gone.
    fn cancel(_tasks: Vec<Self::Task<()>>) -> impl Future<Output = ()> {
        async { lacks("that cancels") }
    }
}

/// The `main` of a runtime's program, for one variant.
pub fn main_of_runtime<R: Runtime>() {
    let (bench, n) = arguments();
    R::block_on(async move { R::join(R::spawn(measure::<R>(bench, n))).await }).print();
}

async fn measure<R: Runtime>(bench: String, n: u64) -> Meter {
    match name_and_size(&bench) {
        ("spawn_seq", None) => spawn::sequence::<R>(n, 0).await,
        ("spawn_among", Some(parked)) => spawn::sequence::<R>(n, parked).await,
        ("spawn_batch", size) => spawn::batches::<R>(n, size.unwrap_or(BATCH)).await,
        ("tree", None) => spawn::trees::<R>(n.div_ceil(TREE)).await,
        ("yield", Some(tasks)) => timed(n, switch::yields::<R, _>(n, tasks, R::pause)).await,
        ("selfwake", Some(tasks)) => timed(n, switch::yields::<R, _>(n, tasks, SelfWake::default)).await,
        ("pingpong", None) => timed(n, switch::ping_pong::<R>(n)).await,
        ("timer_cancel", Some(live)) => timers::replace::<R>(n, live).await,
        ("timer_set", None) => timers::set::<R>(n).await,
        ("timer_fire", None) => timers::fire::<R>(n).await,
        ("cancel_all", None) => parked::cancel_all::<R>(n).await,
        ("wake", None) => wake::<R>(n).await,
        ("parked", None) => parked::memory::<R>(n).await,
        ("idle", Some(tasks)) => parked::idle::<R>(n, tasks).await,
        _ => lacks(&bench),
    }
}

async fn wake<R: Runtime>(n: u64) -> Meter {
    let mut meter = Meter::new();
    meter.start();
    let late = R::join(R::spawn(Bell::new(n).hear())).await;
    meter.stop(n);
    meter.tell_lateness(late);
    meter
}
