//! Structured concurrency for `async` Rust, from a microcontroller to a server: the core, without
//! an operating system and without a heap.
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod arena;
mod cancel;
mod errors;
mod gate;
mod hooks;
#[cfg(feature = "nb")]
pub mod nb;
mod nursery;
mod panics;
#[allow(unsafe_code)]
mod raw;
mod runtime;
mod shield;
mod sleep;
mod spawn;
mod storage;
mod task;
mod time;

pub use arena::Arena;
pub use cancel::{
    Cancelled, Canceller, Reason, TimedOut, cancel_scope, fail_after, fail_at, move_on_after, move_on_at, timeout,
};
#[cfg(feature = "alloc")]
pub use errors::ErrorGroup;
pub use gate::{current_task, in_runtime, is_cancelled, poll_gate};
pub use hooks::{Debugger, NoDebugger, TaskError, TaskInfo};
pub use nursery::{Nursery, Scope, nursery_in};
#[cfg(feature = "alloc")]
pub use nursery::{nursery, nursery_group};
pub use raw::port::Reachable;
pub use runtime::{Next, Runtime, Until, Wait};
pub use shield::{finally, finally_for, shield, shield_for};
pub use sleep::{Interval, Sleep, checkpoint, clock, effective_deadline, interval, interval_at, sleep, sleep_until};
pub use spawn::{Child, Delayed, SpawnError};
pub use storage::{Heap, Storage, Unbounded};
pub use task::{Status, Task, TaskId};
pub use time::{Clock, Instant, Tick, VirtualClock};
