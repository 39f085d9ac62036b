//! Not yet there.

use std::io;

pub(crate) fn main() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "giambio::process is for Unix"))
}
