//! Files and folders for a while.

use std::fs;
use std::io;
use std::path::Path;

use giambio_core::finally;
use tempfile::TempDir;

use super::file::File;
use super::job::writing;
use super::path_error::named;
use super::system::new_folder_in;

/// A file without a name, for what is too large for memory: to write, and to read again. It is gone when it is closed.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// let file = fs::temporary_file().await?;
/// let (buffer, written) = file.write_at(b"for later".to_vec(), 0).await;
/// written?;
/// let (buffer, count) = file.read_at(buffer, 0).await;
/// assert_eq!((buffer.as_slice(), count?), (&b"for later"[..], 9));
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the folder for temporary files as the path.
///
/// # Cancellation
/// [**Restartable.**](giambio_core#cancellation)
#[track_caller]
pub fn temporary_file() -> impl Future<Output = io::Result<File>> {
    writing(|| {
        let folder = std::env::temp_dir();
        let file = tempfile::tempfile_in(&folder).map_err(named("make a temporary file in", &folder))?;
        Ok(File::from_std(file, folder.join("(temporary)")))
    })
}

/// Makes a folder for `body`, of this user alone, and removes it with all that is in it when `body` has ended, however it
/// ends. One that `body` has removed, or given another name, is no error.
///
/// # Errors
/// The system's: no folder can be made, and `body` is not called; or it can't be removed, and what `body` returned is lost.
///
/// # Panics
/// If `body` panics. The folder is removed before.
///
/// # Cancellation
/// As `body`; the folder is removed, which is waited for. Dropped without a cancellation, it removes the folder on this thread.
#[track_caller]
pub fn in_temporary_folder<R>(body: impl AsyncFnOnce(&Path) -> R) -> impl Future<Output = io::Result<R>> {
    async {
        let parent = std::env::temp_dir();
        let made = writing(move || new_folder_in(&parent).map_err(named("make a temporary folder in", &parent)));
        let folder = made.await?;
        let path = folder.path().to_owned();
        let (mut folder, mut removed) = (Some(folder), Ok(()));
        let value = finally(body(&path), async || {
            if let Some(folder) = folder.take() {
                removed = writing(move || remove(folder)).await;
            }
        })
        .await;
        removed.map(|()| value)
    }
}

fn remove(folder: TempDir) -> io::Result<()> {
    let path = folder.keep();
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()), // `body` has, or it has another name now
        removed => removed.map_err(named("remove the folder", &path)),
    }
}
