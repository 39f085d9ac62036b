//! Other names for what is there, and where names lead: as in [`std::fs`], on a thread, with the path in each error.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::job::{reading, writing};
use super::path_error::{named, named_to};

/// Gives a file one more name, on the same disk: it is gone when its last name is.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     fs::write(folder.join("notes"), "one\n").await?;
///     fs::hard_link(folder.join("notes"), folder.join("the same")).await?;
///     fs::remove_file(folder.join("notes")).await?;
///     assert_eq!(fs::read_to_string(folder.join("the same")).await?, "one\n");
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with both paths: [`AlreadyExists`](io::ErrorKind::AlreadyExists), or
/// [`CrossesDevices`](io::ErrorKind::CrossesDevices) if they would be on two disks.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, and then the file has both names.
#[track_caller]
pub fn hard_link<P, Q>(there: P, new: Q) -> impl Future<Output = io::Result<()>> + use<P, Q>
where
    P: AsRef<Path>,
    Q: AsRef<Path>,
{
    let (there, new) = (there.as_ref().to_owned(), new.as_ref().to_owned());
    writing(move || fs::hard_link(&there, &new).map_err(named_to("make the link", &new, &there)))
}

/// Where a symbolic link leads, as it says. (One is made by [`unblock`](crate::unblock()): each system has calls of its own for
/// that.)
///
/// ```no_run
/// use giambio::fs;
///
/// # giambio::run(async {
/// println!("sh is {}", fs::read_link("/bin/sh").await?.display());
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path: [`InvalidInput`](io::ErrorKind::InvalidInput) if it is no link.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation)
#[track_caller]
pub fn read_link<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<PathBuf>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || fs::read_link(&path).map_err(named("read the link", &path)))
}

/// The path from the root on, without links, `.` and `..`.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// assert_eq!(fs::canonicalize("src/..").await?, fs::canonicalize(".").await?);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path: [`NotFound`](io::ErrorKind::NotFound), since only what is there has one.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation)
#[track_caller]
pub fn canonicalize<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<PathBuf>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || fs::canonicalize(&path).map_err(named("find", &path)))
}
