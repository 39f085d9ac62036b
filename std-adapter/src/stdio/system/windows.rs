//! Windows: the standard library knows how a console wants its text.

use std::io::{self, Read, Write};

pub(in crate::stdio) fn read(buffer: &mut [u8]) -> io::Result<usize> {
    io::stdin().lock().read(buffer)
}

pub(in crate::stdio) fn write_out(data: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(data)?;
    stdout.flush()
}

pub(in crate::stdio) fn write_error(data: &[u8]) -> io::Result<()> {
    io::stderr().lock().write_all(data)
}
