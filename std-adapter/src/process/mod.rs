//! Programs that end with the scope that started them, on Unix.
//!
//! [`run_in`] starts a program and runs code beside it. The child lives as long as that code: then, or when a scope around is
//! cancelled, it is asked to end (SIGTERM), killed after a grace, and waited for, all before `run_in` returns. So none is forgotten, and
//! none becomes a zombie (law NOTHING-OUTLIVES). [`status`] and [`output`] wait until it ends by itself.
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
//! The program alone, as the standard library has it; with [`Spawn::group`] all that it has started, too, and not put in groups of
//! their own.
//!
//! # Whose children
//! Each child is waited for by its own number; others of the process are left alone, and so is SIGCHLD. Where that is ignored, the system
//! keeps no status, and an error says so. A future that is dropped, as the losers of a `select!` are, can't wait: it kills the
//! child, and a thread waits for it.
//!
//! On Linux the system tells by a pidfd, where there is kqueue by that; where neither is there, a thread waits for each child.

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod communicate;
#[cfg(unix)]
mod lives;
#[cfg(unix)]
mod not_started;
#[cfg(unix)]
mod reaper;
#[cfg(unix)]
mod spawn;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub use child::Child;
#[cfg(unix)]
pub use lives::{output, run_in, status};
#[cfg(unix)]
pub use not_started::NotStarted;
#[cfg(unix)]
pub use spawn::Spawn;
