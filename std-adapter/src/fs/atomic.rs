//! A file that has its old bytes or its new ones, and never a part.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::job::writing;
use super::path_error::named;
use super::system::{Folder, new_in};
use super::whole::{given_up, write_all};
use crate::call::is_abandoned;

/// As many links may lead to each other.
const MOST_LINKS: usize = 40;

/// Writes a file so that whoever opens it, now or after a crash, finds what was there before or all of `bytes`: they are
/// written to a file beside it, which is brought to the disk and then gets its name.
///
/// If `path` is a symbolic link, what it leads to is written, and it stays a link. A file that was there keeps its
/// permissions, as far as they are bits; it belongs to who writes it, without the lists and labels that some systems have.
/// Who has it open, or another hard link to it, has the old one.
///
/// # Errors
/// The system's, with the path; then `path` is as it was. The folder must be readable and writable:
/// [`PermissionDenied`](io::ErrorKind::PermissionDenied). A device, a pipe or a socket is not replaced:
/// [`InvalidInput`](io::ErrorKind::InvalidInput); and nor is a file that is mounted by itself, as in containers, which only
/// [`write()`](super::write()) can change: [`ResourceBusy`](io::ErrorKind::ResourceBusy).
///
/// One error comes later, that whose [`what`](super::PathError::what) is `"bring to the disk the name of"`: then the file is
/// all new, and a crash may bring the old one back. A disk that has no way to do this with a folder is no error.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for, and then the file is as before or all new.
#[track_caller]
pub fn write_atomically<P, B>(path: P, bytes: B) -> impl Future<Output = io::Result<()>> + use<P, B>
where
    P: AsRef<Path>,
    B: AsRef<[u8]> + Send + 'static,
{
    let path = path.as_ref().to_owned();
    writing(move || {
        let target = target_of(&path).map_err(named("follow", &path))?;
        let folder = replace(&target, bytes.as_ref()).map_err(named("write", &path))?;
        folder.sync().map_err(named("bring to the disk the name of", &path))
    })
}

/// What the links lead to, be it there or not.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_symlink() => {
                let next = fs::read_link(&target)?;
                target = folder_of(&target).join(next);
            }
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let text =
                    "it is a device, a pipe or a socket, and would be replaced by a file: `write` writes into it";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(target),
        }
    }
    Err(io::Error::other(format!("more than {MOST_LINKS} links lead to each other")))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the folder that has the new name, which is not on the disk yet.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<Folder> {
    let folder = folder_of(target);
    let old = fs::metadata(target).ok();
    let mut beside = new_in(folder, old.as_ref())?;
    // Before anything has changed: it may be closed to us, or there may be no descriptor for it.
    let folder = Folder::open(folder)?;
    if let Some(old) = old {
        beside.as_file().set_permissions(old.permissions())?;
    }
    write_all(beside.as_file_mut(), bytes)?;
    beside.as_file().sync_all()?;
    if is_abandoned() {
        return Err(given_up());
    }
    beside.persist(target).map_err(|refused| refused.error)?;
    Ok(folder)
}
