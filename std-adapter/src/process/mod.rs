//! Programs that end with the scope that started them.
//!
//! [`run_in`] starts a program and runs code beside it. The child lives as long as that code: then, or when a scope around is
//! cancelled, it is asked to end (by SIGTERM; on Windows by Ctrl+Break), killed after a grace, and waited for, all before
//! `run_in` returns. So none is forgotten, and none becomes a zombie (law NOTHING-OUTLIVES). [`status`] and [`output`] wait
//! until it ends by itself.
//!
//! ```
//! use giambio::process::{Spawn, output, run_in};
//! use std::io;
//!
//! giambio::run(async {
//!     let said = output(Spawn::new("echo").arg("hello")).await?;
//!     assert_eq!(said.stdout, b"hello\n");
//!
//!     // A server for a test, say: it runs until the block is left.
//!     let (id, ended) = run_in(Spawn::new("sleep").arg("1000"), async |child| child.id()).await?;
//!     assert!(id > 0 && !ended.success());
//!     Ok::<(), io::Error>(())
//! })?;
//! # Ok::<(), io::Error>(())
//! ```
//!
//! # What is killed
//! The program alone, as the standard library has it; with [`Spawn::group`] all that it has started, too, and not put in
//! groups of their own.
//!
//! On Unix a signal by which [`run_or_ctrl_c`](crate::run_or_ctrl_c()) or [`run_until_stopped`](crate::run_until_stopped())
//! ends this process at once kills the same, of the first 1,024 programs that run. A process that is killed otherwise leaves
//! them.
//!
//! # Whose children
//! Each child is waited for by its own number; others of the process are left alone, and so is SIGCHLD. Where that is
//! ignored, the system keeps no status, and an error says so. A future that is dropped, as the losers of a `select!` are,
//! can't wait: it kills the child, and a thread waits for it.
//!
//! On Linux the system tells by a pidfd, where there is kqueue by that, on Windows by the process's handle; where none is
//! there, a thread waits for each child.
//!
//! # On Windows
//! A child is in a console group of its own: Ctrl+C at the console does not reach it, and Ctrl+Break is pressed at that
//! group, which is the child and what it has started. That takes a console that both have. A child that can't be asked to end
//! so is killed at once, unless its [`stdin`](Child::stdin) is a pipe: then it has its grace to see that this is closed. With
//! [`Spawn::group`] the child is in a job object, and so is what it starts; all of them end with this process, too, however
//! that ends.

mod child;
mod communicate;
mod lives;
mod not_started;
mod out_of_time;
#[cfg(unix)]
mod reaper;
mod spawn;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use child::Child;
pub use lives::{output, output_within, run_in, status};
pub use not_started::NotStarted;
pub use out_of_time::OutOfTime;
pub use spawn::Spawn;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;
