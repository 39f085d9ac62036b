//! Windows: opening waits for nobody, and the system keeps names in a journal.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

pub(in crate::fs) fn open(options: &OpenOptions, _: bool, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Closes it. The standard library does not tell what the system says, which is nothing about what was written.
pub(in crate::fs) fn close(file: File) -> io::Result<()> {
    drop(file);
    Ok(())
}

pub(in crate::fs) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    match file.seek_read(buffer, at) {
        // Behind its end, which elsewhere is just no bytes: ERROR_HANDLE_EOF.
        Err(error) if error.raw_os_error() == Some(38) => Ok(0),
        read => read,
    }
}

pub(in crate::fs) fn write_at(file: &File, data: &[u8], at: u64) -> io::Result<usize> {
    file.seek_write(data, at)
}

/// What the standard library knows does not tell. A file that is written can be read there, too; so a copy to itself is found out by
/// the paths alone, where that matters.
pub(in crate::fs) fn is_same(_: &Metadata, _: &Metadata) -> bool {
    false
}

pub(in crate::fs) fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".writing-").tempfile_in(folder)
}

/// A folder, whose names the system brings to the disk by itself.
pub(in crate::fs) struct Folder;

impl Folder {
    pub(in crate::fs) fn open(_: &Path) -> io::Result<Folder> {
        Ok(Folder)
    }

    pub(in crate::fs) fn sync(self) -> io::Result<()> {
        Ok(())
    }
}
