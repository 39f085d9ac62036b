//! smol's parts: async-executor's LocalExecutor under async-io's `block_on`, which looks after timers and I/O.

use std::future::Future;
use std::time::Duration;

use async_executor::{LocalExecutor, Task};
use micro_suite::{Runtime, main_of_runtime};

thread_local! {
    static EXECUTOR: &'static LocalExecutor<'static> = Box::leak(Box::new(LocalExecutor::new()));
}

struct Smol;

impl Runtime for Smol {
    type Task<T: 'static> = Task<T>;

    fn block_on<F: Future>(main: F) -> F::Output {
        async_io::block_on(EXECUTOR.with(|executor| *executor).run(main))
    }

    fn spawn<F: Future<Output: 'static> + 'static>(task: F) -> Task<F::Output> {
        EXECUTOR.with(|executor| executor.spawn(task))
    }

    fn join<T: 'static>(task: Task<T>) -> impl Future<Output = T> {
        task
    }

    fn pause() -> impl Future<Output = ()> {
        futures_lite::future::yield_now()
    }

    fn sleep(span: Duration) -> impl Future<Output = ()> + 'static {
        let timer = async_io::Timer::after(span);
        async move {
            timer.await;
        }
    }

    async fn cancel(tasks: Vec<Task<()>>) {
        for task in tasks {
            task.cancel().await;
        }
    }
}

fn main() {
    main_of_runtime::<Smol>()
}
