//! monoio. Variants: `uring`, `epoll` (which it calls legacy). It can't cancel a task.

use std::future::Future;
use std::time::Duration;

use bench_common::argument;
use micro_suite::{Runtime, main_of_runtime};
use monoio::task::JoinHandle;
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

macro_rules! monoio {
    ($name:ident, $driver:ty) => {
        struct $name;

        impl Runtime for $name {
            type Task<T: 'static> = JoinHandle<T>;

            fn block_on<F: Future>(main: F) -> F::Output {
                RuntimeBuilder::<$driver>::new().enable_timer().build().unwrap().block_on(main)
            }

            fn spawn<F: Future<Output: 'static> + 'static>(task: F) -> JoinHandle<F::Output> {
                monoio::spawn(task)
            }

            fn join<T: 'static>(task: JoinHandle<T>) -> impl Future<Output = T> {
                task
            }

            fn sleep(span: Duration) -> impl Future<Output = ()> + 'static {
                monoio::time::sleep(span)
            }
        }
    };
}

monoio!(Uring, IoUringDriver);
monoio!(Epoll, LegacyDriver);

fn main() {
    match argument(1).as_deref() {
        Some("uring") => main_of_runtime::<Uring>(),
        Some("epoll") => main_of_runtime::<Epoll>(),
        variant => panic!("no variant {variant:?}"),
    }
}
