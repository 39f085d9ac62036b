//! A look inside: a debugger that prints what the loop does.
//!
//! The program is `03_two_children` with names for the children. A task's step is a stretch in which its own code runs,
//! so steps never overlap. It prints:
//!
//! ```text
//! ## Started running
//! -> About to run a step for 'main'
//! >> A task named 'child' was spawned
//! >> A task named 'child1' was spawned
//! [main] Children spawned, awaiting completion
//! <- Ran a step for 'main'
//! -> About to run a step for 'child'
//! [child] Child spawned!! Sleeping for 2 seconds
//! <- Ran a step for 'child'
//! # About to put 'child' to sleep for 2.00 seconds
//! -> About to run a step for 'child1'
//! [child 1] Child spawned!! Sleeping for 2 seconds
//! <- Ran a step for 'child1'
//! # About to put 'child1' to sleep for 2.00 seconds
//! # Task 'child' slept for 2.00 seconds
//! # Task 'child1' slept for 2.00 seconds
//! !! About to check for I/O for up to 0.00 seconds
//! !! Done I/O check (timeout 0.00 seconds)
//! -> About to run a step for 'child'
//! [child] Had a nice nap!
//! << Task 'child' exited
//! -> About to run a step for 'child1'
//! [child 1] Had a nice nap!
//! << Task 'child1' exited
//! -> About to run a step for 'main'
//! [main] Children execution complete in 2.00 seconds
//! << Task 'main' exited
//! ## Finished running
//! ```
//!
//! The original prints the same, in the same order, but for a step of `main` in which nothing happens:
//!
//! ```text
//! giambio                                            the Python original
//!
//! !! Done I/O check (timeout 0.00 seconds)           !! Done I/O check (timeout 0.00 seconds)
//! -> About to run a step for 'child'                 -> About to run a step for 'child'
//! [child] Had a nice nap!                            [child] Had a nice nap!
//! << Task 'child' exited                             << Task 'child' exited
//! -> About to run a step for 'child1'                -> About to run a step for 'child1'
//! [child 1] Had a nice nap!                          [child 1] Had a nice nap!
//! << Task 'child1' exited                            << Task 'child1' exited
//!                                                    -> About to run a step for 'main'
//!                                                    <- Ran a step for 'main'
//! -> About to run a step for 'main'                  -> About to run a step for 'main'
//! [main] Children execution complete in 2.00 seconds [main] Children execution complete in 2.01 seconds
//! << Task 'main' exited                              << Task 'main' exited
//! ```
//!
//! The naps end some microseconds apart: now and then the loop wakes the children one after the other.

use std::convert::Infallible;
use std::time::Duration;

use giambio::{Debugger, TaskError, TaskInfo, clock, nursery, sleep};

/// Prints every event in the words of the Python original.
struct Printer;

impl Debugger for Printer {
    fn on_start(&self) {
        println!("## Started running");
    }
    fn on_exit(&self) {
        println!("## Finished running");
    }
    fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {
        println!(">> A task named '{}' was scheduled to run in {:.2} seconds", task.name, delay.as_secs_f64());
    }
    fn on_task_spawn(&self, task: TaskInfo<'_>) {
        println!(">> A task named '{}' was spawned", task.name);
    }
    fn on_task_exit(&self, task: TaskInfo<'_>) {
        println!("<< Task '{}' exited", task.name);
    }
    fn before_task_step(&self, task: TaskInfo<'_>) {
        println!("-> About to run a step for '{}'", task.name);
    }
    fn after_task_step(&self, task: TaskInfo<'_>) {
        println!("<- Ran a step for '{}'", task.name);
    }
    fn before_sleep(&self, task: TaskInfo<'_>, span: Duration) {
        println!("# About to put '{}' to sleep for {:.2} seconds", task.name, span.as_secs_f64());
    }
    fn after_sleep(&self, task: TaskInfo<'_>, span: Duration) {
        println!("# Task '{}' slept for {:.2} seconds", task.name, span.as_secs_f64());
    }
    fn before_io(&self, timeout: Option<Duration>) {
        println!("!! About to check for I/O for up to {}", seconds(timeout));
    }
    fn after_io(&self, timeout: Option<Duration>) {
        println!("!! Done I/O check (timeout {})", seconds(timeout));
    }
    fn before_cancel(&self, task: TaskInfo<'_>) {
        println!("// About to cancel '{}'", task.name);
    }
    fn after_cancel(&self, task: TaskInfo<'_>) {
        println!("// Cancelled '{}'", task.name);
    }
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError) {
        println!("XX Task '{}' failed: {error:?}", task.name);
    }
}

/// `None`: until something happens.
fn seconds(timeout: Option<Duration>) -> String {
    timeout.map_or("eternity".to_owned(), |timeout| format!("{:.2} seconds", timeout.as_secs_f64()))
}

async fn child(name: &str) -> Result<(), Infallible> {
    println!("[{name}] Child spawned!! Sleeping for 2 seconds");
    sleep(Duration::from_secs(2)).await;
    println!("[{name}] Had a nice nap!");
    Ok(())
}

async fn main_task() -> Result<(), Infallible> {
    let start = clock();
    nursery(async |n| {
        n.child().name("child").spawn(child("child"));
        n.child().name("child1").spawn(child("child 1"));
        println!("[main] Children spawned, awaiting completion");
        Ok(())
    })
    .await?;
    println!("[main] Children execution complete in {:.2} seconds", (clock() - start).as_secs_f64());
    Ok(())
}

fn main() {
    let Ok(()) = giambio::builder().debugger(Printer).run(main_task());
}
