//! There is no such socket.

use std::io;

pub(crate) fn main() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "descriptors are passed on Unix"))
}
