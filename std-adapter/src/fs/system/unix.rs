//! Unix: a file may be a FIFO, a folder is a file of its own, and a close may tell of a write.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::reactor;

/// Opens it without waiting for another end. Options that may have flags keep them: to add one would remove the others, and none
/// can be asked for. So a FIFO that gets there between the look and the opening is waited for.
pub(in crate::fs) fn open(options: &OpenOptions, may_have_flags: bool, path: &Path) -> io::Result<File> {
    let opened = if may_have_flags {
        if fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
            return Err(not_a_file("FIFO"));
        }
        options.open(path)
    } else {
        options.clone().custom_flags(libc::O_NONBLOCK).open(path)
    };
    let file = match opened {
        // A FIFO that nobody reads, or a socket.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(not_a_file("FIFO or socket")),
        opened => opened?,
    };
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() {
        return Err(not_a_file("FIFO"));
    }
    if !kind.is_file() && !may_have_flags {
        // A device, or a folder: from now on a thread may wait for it. The mode is that of this opening alone.
        let _ = rustix::io::ioctl_fionbio(&file, false);
    }
    Ok(file)
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
    file.write_at(data, at)
}

/// Are they one file, by whatever paths?
pub(in crate::fs) fn is_same(one: (&Path, &Metadata), other: (&Path, &Metadata)) -> bool {
    (one.1.dev(), one.1.ino()) == (other.1.dev(), other.1.ino())
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
