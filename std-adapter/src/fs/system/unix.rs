//! Unix: a file may be a FIFO, a folder is a file of its own, and a close may tell of a write.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use giambio_core::__fault as fault;
use rustix::fs::{OFlags, fcntl_getfl};
use tempfile::{Builder, NamedTempFile, TempDir};

use crate::call::is_abandoned;
use crate::reactor;

/// How soon to try again.
const MOMENT: Duration = Duration::from_millis(5);

/// Opens it without waiting for another end. What has one is refused by a look, since to open it would let go who waits
/// there; should it get there in between, by a mode of the opening, of which nothing is left. Options that may have flags
/// keep them: to add one would remove the others, and none can be asked for. So a FIFO that gets there in between is waited
/// for then.
pub(in crate::fs) fn open(options: &OpenOptions, may_have_flags: bool, path: &Path) -> io::Result<File> {
    if !fault!("fifo-opened-to-be-refused") && fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        return Err(not_a_file("FIFO"));
    }
    let opened = match may_have_flags {
        true => options.open(path),
        false => open_without_waiting(options, path),
    };
    let file = match opened {
        // A FIFO that nobody reads, or a socket.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(not_a_file("FIFO or socket")),
        opened => opened?,
    };
    if file.metadata()?.file_type().is_fifo() {
        return Err(not_a_file("FIFO"));
    }
    if !may_have_flags {
        // The mode is that of this opening alone, and from now on a thread may wait: for a device, or a file that is none on
        // a disk.
        let _ = rustix::io::ioctl_fionbio(&file, false);
    }
    Ok(file)
}

/// Waits for a lease that somebody else has of it: who has one is told to give it up, and loses it after the time that the
/// system gives for that. It does not wait in the system, where it could not be given up.
fn open_without_waiting(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let options = options.clone().custom_flags(libc::O_NONBLOCK).clone();
    loop {
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_abandoned() => thread::sleep(MOMENT),
            opened => return opened,
        }
    }
}

fn not_a_file(kind: &str) -> io::Error {
    let text = format!(
        "it is a {kind}, whose other end may never come, and for which a thread would wait: open it with O_NONBLOCK, and wait with \
         `giambio::fd::Fd`"
    );
    io::Error::new(io::ErrorKind::Unsupported, text)
}

/// Closes it. A system that writes later than it says, as that of a network does, may tell here that something was not written.
pub(in crate::fs) fn close(file: File) -> io::Result<()> {
    reactor::close(file.into())
}

pub(in crate::fs) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    file.read_at(buffer, at)
}

pub(in crate::fs) fn write_at(file: &File, data: &[u8], at: u64) -> io::Result<usize> {
    // A file that is appended to is appended to wherever a call says, but for this system.
    if cfg!(target_os = "openbsd") && fcntl_getfl(file).is_ok_and(|flags| flags.contains(OFlags::APPEND)) {
        let mut file = file;
        return file.write(data);
    }
    file.write_at(data, at)
}

/// Are they one file, by whatever paths?
pub(in crate::fs) fn is_same(one: &File, other: &File) -> bool {
    let place = |file: &File| file.metadata().ok().map(|found| (found.dev(), found.ino()));
    place(one).is_some_and(|one| Some(one) == place(other))
}

/// If it makes a new file, that is open to nobody to whom `like` isn't.
pub(in crate::fs) fn restrict(options: &mut OpenOptions, like: &Metadata) {
    options.mode(like.mode() & 0o777);
}

/// A new file in that folder, open to nobody to whom `like` isn't; else with the permissions that any new file has.
pub(in crate::fs) fn new_in(folder: &Path, like: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mode = like.map_or(0o666, |like| like.mode() & 0o777);
    Builder::new().prefix(".writing-").permissions(Permissions::from_mode(mode)).tempfile_in(folder)
}

/// A new folder in that one, for this user alone.
pub(in crate::fs) fn new_folder_in(parent: &Path) -> io::Result<TempDir> {
    Builder::new().prefix("giambio-").permissions(Permissions::from_mode(0o700)).tempdir_in(parent)
}

/// A folder whose names can be brought to the disk.
pub(in crate::fs) struct Folder(File);

impl Folder {
    pub(in crate::fs) fn open(path: &Path) -> io::Result<Folder> {
        File::open(path).map(Folder)
    }

    /// Brings its names to the disk, where the disk has a way to say so.
    pub(in crate::fs) fn sync(self) -> io::Result<()> {
        match self.0.sync_all() {
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            synced => synced,
        }
    }
}
