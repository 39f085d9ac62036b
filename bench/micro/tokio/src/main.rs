//! tokio's scheduler for one thread, with timers and I/O. Variants: `local` (tasks in a LocalSet), `current` (a
//! LocalRuntime: the current-thread scheduler itself, with tasks that need not be `Send`).

use std::future::Future;
use std::time::Duration;

use bench_common::argument;
use micro_suite::{Runtime, main_of_runtime};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, LocalSet};

fn builder() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    builder
}

macro_rules! tokio {
    ($name:ident, $block_on:expr) => {
        struct $name;

        impl Runtime for $name {
            type Task<T: 'static> = JoinHandle<T>;

            fn block_on<F: Future>(main: F) -> F::Output {
                $block_on(main)
            }

            fn spawn<F: Future<Output: 'static> + 'static>(task: F) -> JoinHandle<F::Output> {
                tokio::task::spawn_local(task)
            }

            async fn join<T: 'static>(task: JoinHandle<T>) -> T {
                task.await.unwrap()
            }

            fn pause() -> impl Future<Output = ()> {
                tokio::task::yield_now()
            }

            fn sleep(span: Duration) -> impl Future<Output = ()> + 'static {
                tokio::time::sleep(span)
            }

            async fn cancel(tasks: Vec<JoinHandle<()>>) {
                for task in &tasks {
                    task.abort();
                }
                for task in tasks {
                    assert!(task.await.unwrap_err().is_cancelled());
                }
            }
        }
    };
}

tokio!(Local, |main| LocalSet::new().block_on(&builder().build().unwrap(), main));
tokio!(Current, |main| builder().build_local(Default::default()).unwrap().block_on(main));

fn main() {
    match argument(1).as_deref() {
        Some("local") => main_of_runtime::<Local>(),
        Some("current") => main_of_runtime::<Current>(),
        variant => panic!("no variant {variant:?}"),
    }
}
