//! Unix: a file may be a FIFO, a folder is a file of its own, and a close may tell of a write.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::reactor;

/// Opens it without waiting for another end.
pub(in crate::fs) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = match options.clone().custom_flags(libc::O_NONBLOCK).open(path) {
        // A FIFO that nobody reads, or a socket.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(not_a_file("FIFO or socket")),
        opened => opened?,
    };
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() {
        return Err(not_a_file("FIFO"));
    }
    if !kind.is_file() {
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

pub(in crate::fs) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// A new file in that folder, with the permissions that any new file has.
pub(in crate::fs) fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".writing-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// Brings its names to the disk.
pub(in crate::fs) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
