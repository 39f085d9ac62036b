//! Windows: opening waits for nobody, and the system keeps names in a journal.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir};
use winapi_util::file::information;

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

/// Are they one file, by whatever paths?
pub(in crate::fs) fn is_same(one: &File, other: &File) -> bool {
    // A device has nothing to tell by.
    let place = |file| information(file).ok().map(|found| (found.volume_serial_number(), found.file_index()));
    place(one).is_some_and(|one| Some(one) == place(other))
}

/// The folder says who may open it.
pub(in crate::fs) fn restrict(_: &mut OpenOptions, _: &Metadata) {}

pub(in crate::fs) fn new_in(folder: &Path, _: Option<&Metadata>) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".writing-").tempfile_in(folder)
}

/// In a folder of this user's, as that for temporary files is.
pub(in crate::fs) fn new_folder_in(parent: &Path) -> io::Result<TempDir> {
    Builder::new().prefix("giambio-").tempdir_in(parent)
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
