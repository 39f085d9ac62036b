//! compio. Variants: `uring`, `epoll` (through the crate `polling`).

use std::future::Future;
use std::time::Duration;

use bench_common::argument;
use compio::driver::{DriverType, ProactorBuilder};
use compio::runtime::{JoinHandle, RuntimeBuilder};
use micro_suite::{Runtime, main_of_runtime};

fn block_on<F: Future>(driver: DriverType, main: F) -> F::Output {
    let mut proactor = ProactorBuilder::new();
    proactor.driver_type(driver);
    RuntimeBuilder::new().with_proactor(proactor).build().unwrap().block_on(main)
}

macro_rules! compio {
    ($name:ident, $driver:expr) => {
        struct $name;

        impl Runtime for $name {
            type Task<T: 'static> = JoinHandle<T>;

            fn block_on<F: Future>(main: F) -> F::Output {
                block_on($driver, main)
            }

            fn spawn<F: Future<Output: 'static> + 'static>(task: F) -> JoinHandle<F::Output> {
                compio::runtime::spawn(task)
            }

            async fn join<T: 'static>(task: JoinHandle<T>) -> T {
                task.await.ok().unwrap()
            }

            fn sleep(span: Duration) -> impl Future<Output = ()> + 'static {
                compio::time::sleep(span)
            }

            async fn cancel(tasks: Vec<JoinHandle<()>>) {
                for task in tasks {
                    task.cancel().await;
                }
            }
        }
    };
}

compio!(Uring, DriverType::IoUring);
compio!(Epoll, DriverType::Poll);

fn main() {
    match argument(1).as_deref() {
        Some("uring") => main_of_runtime::<Uring>(),
        Some("epoll") => main_of_runtime::<Epoll>(),
        variant => panic!("no variant {variant:?}"),
    }
}
