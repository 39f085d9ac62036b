//! There is no such descriptor.

use std::io;

pub(crate) fn main() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "on Unix giambio has a descriptor to wait for"))
}
