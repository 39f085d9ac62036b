//! Addresses of sockets on this machine: paths, and on Linux names that are no paths.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use crate::sys::limits::LONGEST_PATH;

/// The address that a path is, or an error that names it.
pub(super) fn of_path(path: &Path) -> io::Result<SocketAddr> {
    let bytes = path.as_os_str().as_bytes();
    let why = match bytes.len() {
        0 => "an empty path is no address".to_owned(),
        _ if bytes.contains(&0) => format!("{path:?} has a NUL in it, which no path has"),
        length if length > LONGEST_PATH => format!(
            "{path:?} has {length} bytes, and the address of a socket has room for {LONGEST_PATH}: choose a shorter one, or one \
             from the current folder"
        ),
        _ => return SocketAddr::from_pathname(path),
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

/// Names the address in an error of a call about it; but errors that only say to wait, or are our own and say all, stay as
/// they are.
pub(super) fn naming(address: &SocketAddr) -> impl Fn(io::Error) -> io::Error {
    move |error| match address.as_pathname() {
        _ if error.kind() == io::ErrorKind::WouldBlock || error.get_ref().is_some() => error,
        Some(path) => io::Error::new(error.kind(), format!("{path:?}: {error}")),
        None => io::Error::new(error.kind(), format!("{address:?}: {error}")),
    }
}
