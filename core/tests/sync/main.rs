//! What tasks wait for of each other, by topic. Law NOTHING-LOST: whoever leaves, what was meant for it goes on.

#[path = "../common/mod.rs"]
mod common;

mod by_hand;

mod bad_input;
mod barrier;
mod cancelled;
mod condition;
mod latch;
mod limiter;
mod mutex;
mod once_cell;
mod random;
mod rw_lock;
mod semaphore;
mod watch;
