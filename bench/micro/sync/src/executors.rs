//! The executors, each of one thread, without I/O and timers: nobody looks for what nobody waits for.

use std::convert::Infallible;

use giambio::nursery;

use bench_common::Gate;

/// Runs tasks side by side on the calling thread.
pub(crate) trait Executor {
    /// Until all have left the gate.
    fn run<F: Future<Output = ()> + 'static>(tasks: Vec<F>, gate: &Gate);
    /// Gives way, as its users do.
    fn pause() -> impl Future<Output = ()>;
}

pub(crate) struct Giambio;

impl Executor for Giambio {
    fn run<F: Future<Output = ()> + 'static>(tasks: Vec<F>, _: &Gate) {
        let Ok(()) = giambio::run(nursery(async |scope| {
            for task in tasks {
                scope.spawn(async move {
                    task.await;
                    Ok::<_, Infallible>(())
                });
            }
            Ok(())
        }));
    }

    fn pause() -> impl Future<Output = ()> {
        giambio::checkpoint()
    }
}

#[cfg(feature = "peers")]
mod peers {
    use std::cell::RefCell;

    use bench_common::SelfWake;
    use embassy_executor::raw::TaskStorage;
    use futures::executor::LocalPool;
    use futures::task::LocalSpawnExt;

    use super::Executor;
    use bench_common::Gate;

    /// tokio's scheduler for one thread, with tasks that need not be `Send`.
    pub(crate) struct Tokio;

    impl Executor for Tokio {
        fn run<F: Future<Output = ()> + 'static>(tasks: Vec<F>, _: &Gate) {
            let runtime = tokio::runtime::Builder::new_current_thread().build_local(Default::default()).unwrap();
            runtime.block_on(async {
                let tasks: Vec<_> = tasks.into_iter().map(tokio::task::spawn_local).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            });
        }

        fn pause() -> impl Future<Output = ()> {
            tokio::task::yield_now()
        }
    }

    /// async-executor's `LocalExecutor`.
    pub(crate) struct Smol;

    impl Executor for Smol {
        fn run<F: Future<Output = ()> + 'static>(tasks: Vec<F>, _: &Gate) {
            let executor = async_executor::LocalExecutor::new();
            futures_lite::future::block_on(executor.run(async {
                let tasks: Vec<_> = tasks.into_iter().map(|task| executor.spawn(task)).collect();
                for task in tasks {
                    task.await;
                }
            }));
        }

        fn pause() -> impl Future<Output = ()> {
            futures_lite::future::yield_now()
        }
    }

    /// futures' `LocalPool`.
    pub(crate) struct Pool;

    impl Executor for Pool {
        fn run<F: Future<Output = ()> + 'static>(tasks: Vec<F>, _: &Gate) {
            let mut pool = LocalPool::new();
            for task in tasks {
                pool.spawner().spawn_local(task).unwrap();
            }
            pool.run();
        }

        fn pause() -> impl Future<Output = ()> {
            SelfWake::default()
        }
    }

    /// embassy-executor on its platform for std.
    pub(crate) struct Embassy;

    impl Executor for Embassy {
        fn run<F: Future<Output = ()> + 'static>(tasks: Vec<F>, gate: &Gate) {
            let executor = Box::leak(Box::new(embassy_executor::Executor::new()));
            let tasks = RefCell::new(tasks);
            executor.run_until(
                |spawner| {
                    for task in tasks.take() {
                        let room = Box::leak(Box::new(TaskStorage::new()));
                        spawner.spawn(room.spawn(|| task).unwrap());
                    }
                },
                || gate.is_over(),
            );
        }

        fn pause() -> impl Future<Output = ()> {
            embassy_futures::yield_now()
        }
    }
}
#[cfg(feature = "peers")]
pub(crate) use peers::{Embassy, Pool, Smol, Tokio};
