//! From one file to another.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::job::writing;
use super::open::OpenOptions;
use super::path_error::named;
use super::system::{close, is_same};
use super::whole::{PIECE, given_up};
use crate::call::is_abandoned;

/// Copies a file's bytes and permissions; returns how many bytes. What `to` had before is gone. Where the system can copy by
/// itself, it does.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     let (from, to) = (folder.join("from"), folder.join("to"));
///     fs::write(&from, "some bytes").await?;
///     assert_eq!(fs::copy(&from, &to).await?, 10);
///     fs::copy_with(&from, &to, |done, all| eprintln!("{done} of {all}")).await?;
///     assert_eq!(fs::read(&to).await?, b"some bytes");
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As [`read`](super::read) and [`write`](super::write()), each with the path that it is about.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: a part may have been copied, or all. It is waited for, and
/// stops after the piece that it is at.
#[track_caller]
pub fn copy<P, Q>(from: P, to: Q) -> impl Future<Output = io::Result<u64>> + use<P, Q>
where
    P: AsRef<Path>,
    Q: AsRef<Path>,
{
    copy_with(from, to, |_, _| ())
}

/// As [`copy`], and calls `progress`, on the thread that copies, with how many bytes are there and how many there will be: at
/// first, and after each 4 MiB.
///
/// # Errors
/// As [`copy`].
///
/// # Panics
/// If `progress` panics.
///
/// # Cancellation
/// As [`copy`].
#[track_caller]
pub fn copy_with<P, Q, F>(from: P, to: Q, progress: F) -> impl Future<Output = io::Result<u64>> + use<P, Q, F>
where
    P: AsRef<Path>,
    Q: AsRef<Path>,
    F: FnMut(u64, u64) + Send + 'static,
{
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    writing(move || copy_now(&from, &to, progress))
}

fn copy_now(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> io::Result<u64> {
    let mut source = OpenOptions::new().read(true).open_now(from)?;
    let before = source.metadata().map_err(named("copy", from))?;
    if before.is_dir() {
        return Err(named("copy", from)(io::ErrorKind::IsADirectory.into()));
    }
    let mut target = OpenOptions::new().write(true).create(true).no_more_open_than(&before).open_now(to)?;
    let place = target.metadata().map_err(named("copy to", to))?;
    if is_same(&source, &target) {
        let text = "it would be copied to itself, and be empty before it is read";
        return Err(named("copy", from)(io::Error::new(io::ErrorKind::InvalidInput, text)));
    }
    // A device or a pipe has no length to be changed, and its permissions are not a file's, even if root may change them.
    if place.is_file() {
        target.set_len(0).map_err(named("write", to))?;
    }
    // Before there is anything to be read; and in the end, since who writes may lose some of them.
    let set_permissions = |target: &File| match before.is_file() && place.is_file() {
        true => target.set_permissions(before.permissions()).map_err(named("copy to", to)),
        false => Ok(()),
    };
    set_permissions(&target)?;
    let mut copied = 0;
    progress(0, before.len());
    loop {
        if is_abandoned() {
            return Err(given_up());
        }
        // Which of the two it is about the system does not say.
        match io::copy(&mut (&mut source).take(PIECE as u64), &mut target).map_err(named("copy to", to))? {
            0 => break,
            count => copied += count,
        }
        progress(copied, before.len().max(copied));
    }
    set_permissions(&target)?;
    close(target).map_err(named("close", to))?;
    Ok(copied)
}
