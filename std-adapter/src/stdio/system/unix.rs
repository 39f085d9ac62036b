//! Unix: past the buffers of the standard library, where what could not be written would lie until somebody writes it later.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};

/// Reads what there is. In a mode in which that would not wait, which others have set, it waits all the same.
pub(in crate::stdio) fn read(buffer: &mut [u8]) -> io::Result<usize> {
    let mut stdin = io::stdin().lock();
    loop {
        match stdin.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(&io::stdin(), PollFlags::IN)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

pub(in crate::stdio) fn write_out(data: &[u8]) -> io::Result<()> {
    let mut lock = io::stdout().lock();
    lock.flush()?; // what was printed before comes before
    write_all(&lock, data)
}

pub(in crate::stdio) fn write_error(data: &[u8]) -> io::Result<()> {
    write_all(&io::stderr().lock(), data)
}

fn write_all(to: &impl AsFd, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match rustix::io::write(to, data).map_err(io::Error::from) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => data = &data[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(to, PollFlags::OUT)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // It is closed: as the standard library has it, nobody wants to know.
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait(io: &impl AsFd, what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(io, what)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
