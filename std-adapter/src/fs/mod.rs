//! Files: whole ones, parts of them, folders.
//!
//! No system tells when a file is ready, so all of this happens on the threads of [`unblock`](crate::unblock()): each call
//! here is one way there and back, however large the file, and what a file costs is what the standard library takes for it
//! and that way. Code that would do many small things to a file does them all at once, in [`with_file`].
//!
//! ```
//! use giambio::fs;
//!
//! # giambio::run(async {
//! fs::in_temporary_folder(async |folder| {
//!     let path = folder.join("greeting");
//!     fs::write_atomically(&path, "hello").await?;
//!     assert_eq!(fs::read_to_string(&path).await?, "hello");
//!     fs::remove_file(&path).await
//! })
//! .await?
//! # }).unwrap();
//! ```
//!
//! # What becomes of a call that is given up
//! What has not begun never begins. Of what has begun, reading goes on by itself, for nobody, and soon stops; **writing, and
//! whatever else changes something, is waited for**: when a cancelled scope is left, no write of it is under way any more,
//! and none is in any buffer of this crate. (Only what drops a future without cancelling it, as the losers of a `select!` are
//! dropped, can't wait.) Long writes and copies look between their pieces whether they were given up, and stop there.
//!
//! # Errors
//! Each says what was to be done, and to which path; [`PathError`] is inside, with both. The kind, and
//! [`PathError::source`](std::error::Error::source), are the system's.
//!
//! # FIFOs
//! To open one waits for its other end, for ever perhaps. They are refused, with advice. Only with [`OpenOptions`] that were
//! made of those of the standard library one may be waited for, if it gets to the path in the moment between a look and the
//! opening.

mod atomic;
mod batches;
mod copying;
mod entries;
mod file;
mod folders;
mod job;
mod links;
mod open;
mod path_error;
mod system;
mod temporary;
mod walking;
mod whole;

pub use atomic::write_atomically;
pub use copying::{copy, copy_with};
pub use entries::{Entries, Entry, read_dir};
pub use file::File;
pub use folders::{create_dir, create_dir_all, metadata, remove_dir, remove_dir_all, remove_file, rename};
pub use folders::{set_permissions, symlink_metadata, try_exists};
pub use links::{canonicalize, hard_link, read_link};
pub use open::{OpenOptions, with_file};
pub use path_error::PathError;
pub use temporary::{in_temporary_folder, temporary_file};
pub use walking::{Walk, walk};
pub use whole::{read, read_to_string, write};
