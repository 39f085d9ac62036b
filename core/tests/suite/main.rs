//! The core's tests: one module a topic, one program in all, since programs take longer to link than to run.
//!
//! Beside it are those that want a process of their own, for signals and for what they leak on purpose, and those that
//! take chances by the thousand.

#[path = "../common/mod.rs"]
mod common;

mod arena;
mod cancel;
mod channels;
mod dump;
mod errors;
mod fairness;
mod foreign_executors;
mod futurelock;
mod guests;
mod hooks;
mod inherited;
mod interrupt_sync;
mod introspect;
mod large_futures;
mod names;
mod nursery;
mod panicking_wakers;
mod panics;
mod race;
mod results;
mod run_nursery;
mod runtime_by_hand;
mod send_and_sync;
mod sizes;
mod soft_stop;
mod start;
mod supervision;
mod task_locals;
mod testing;
mod thread_ends;
mod threads;
mod time;
mod wakers;
mod wakes_and_waits;
mod who_is_told;
