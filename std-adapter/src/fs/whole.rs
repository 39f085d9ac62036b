//! Whole files at once.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use super::job::{reading, writing};
use super::open::OpenOptions;
use super::path_error::named;
use super::system::close;
use crate::call::is_abandoned;

/// So much is read or written before it is asked again whether anybody wants it to go on.
pub(super) const PIECE: usize = 4 << 20;

/// All bytes of a file.
///
/// # Errors
/// The system's, with the path: [`NotFound`](io::ErrorKind::NotFound), [`PermissionDenied`](io::ErrorKind::PermissionDenied),
/// [`IsADirectory`](io::ErrorKind::IsADirectory).
///
/// # Cancellation
/// [**Restartable; starts anew.**](giambio_core#cancellation) It is not waited for, and stops after the piece that it is at,
/// of 4 MiB.
#[track_caller]
pub fn read<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<Vec<u8>>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || {
        let mut file = OpenOptions::new().read(true).open_now(&path)?;
        read_all(&mut file).map_err(named("read", &path))
    })
}

/// All of a file that is text.
///
/// # Errors
/// As [`read`]; [`InvalidData`](io::ErrorKind::InvalidData): it is not UTF-8.
///
/// # Cancellation
/// [**Restartable; starts anew.**](giambio_core#cancellation) It is not waited for, and stops after the piece that it is at,
/// of 4 MiB.
#[track_caller]
pub fn read_to_string<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<String>> + use<P> {
    let path = path.as_ref().to_owned();
    reading(move || {
        let mut file = OpenOptions::new().read(true).open_now(&path)?;
        let text = read_all(&mut file).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
        });
        text.map_err(named("read", &path))
    })
}

/// Writes a file, which has `bytes` and nothing else then; it is made if there is none. Who reads it meanwhile may see a part:
/// [`write_atomically`](super::write_atomically) shows all or nothing.
///
/// ```
/// use giambio::fs;
///
/// # giambio::run(async {
/// fs::in_temporary_folder(async |folder| {
///     fs::write(folder.join("file"), "some bytes").await?;
///     assert_eq!(fs::read(folder.join("file")).await?, b"some bytes");
///     assert_eq!(fs::read_to_string(folder.join("file")).await?, "some bytes");
///     Ok::<(), std::io::Error>(())
/// })
/// .await?
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's, with the path: [`NotFound`](io::ErrorKind::NotFound) if there is no folder for it,
/// [`PermissionDenied`](io::ErrorKind::PermissionDenied), [`StorageFull`](io::ErrorKind::StorageFull),
/// [`FileTooLarge`](io::ErrorKind::FileTooLarge).
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when it has begun: a part may have been written, or all. It is waited for,
/// and stops after the piece that it is at.
#[track_caller]
pub fn write<P, B>(path: P, bytes: B) -> impl Future<Output = io::Result<()>> + use<P, B>
where
    P: AsRef<Path>,
    B: AsRef<[u8]> + Send + 'static,
{
    let path = path.as_ref().to_owned();
    writing(move || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).open_now(&path)?;
        write_all(&mut file, bytes.as_ref()).map_err(named("write", &path))?;
        close(file).map_err(named("close", &path))
    })
}

/// Reads to the end, unless it is given up meanwhile: some files have none.
fn read_all(file: &mut fs::File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = file.metadata().map_or(0, |known| known.len());
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
    loop {
        if is_abandoned() {
            return Err(given_up());
        }
        if file.take(PIECE as u64).read_to_end(&mut bytes)? < PIECE {
            return Ok(bytes);
        }
    }
}

/// Writes all, unless it is given up meanwhile.
pub(super) fn write_all(file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        if is_abandoned() {
            return Err(given_up());
        }
        file.write_all(piece)?;
    }
    Ok(())
}

/// Nobody gets to see it.
pub(super) fn given_up() -> io::Error {
    io::Error::other("it was given up")
}
