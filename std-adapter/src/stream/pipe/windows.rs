//! Pipes on Windows: what goes on by itself, one call at a time, and is waited for by an event. So an end takes bytes into
//! its own memory: of what was read until somebody receives it, and of what was sent until it is written.

use std::cell::Cell;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::windows::io::OwnedHandle;
use std::sync::{Arc, Mutex};

use crate::job::Job;
use crate::pool::{Pool, lock};
use crate::reactor::{AsSource, Descriptor, Done, Kind, Source};
use crate::stream::ByteStream;
use crate::stream::kind::{Receives, Sends};
use crate::sys::transfer::{ROOM, Transfer};

/// For what is to be written still when its end is closed. Each has a thread, or it would have to wait for others.
static LAST: Pool = Pool::new("giambio pipe", 1 << 16);

impl ByteStream<Reader> {
    /// Over an end that was opened for overlapped calls, as the standard library opens its own of a child's.
    pub(crate) fn over(end: OwnedHandle) -> io::Result<ByteStream<Reader>> {
        let reader = Reader { transfer: Transfer::of(end)?, came: Cell::new(0), taken: Cell::new(0) };
        Ok(ByteStream::from_nonblocking(reader))
    }
}

impl ByteStream<Writer> {
    /// As for a reader.
    pub(crate) fn over(end: OwnedHandle) -> io::Result<ByteStream<Writer>> {
        Ok(ByteStream::from_nonblocking(Writer(Some(Transfer::of(end)?))))
    }
}

/// An end that is read.
pub struct Reader {
    transfer: Transfer,
    /// How many bytes were read the last time,
    came: Cell<usize>,
    /// and how many of them were received.
    taken: Cell<usize>,
}

impl Reader {
    /// How many bytes are there, to be received: 0 at the end. Reads if there are none, and would block while that goes on.
    fn there(&self) -> io::Result<usize> {
        if self.taken.get() == self.came.get() {
            match self.read() {
                Ok(count) => {
                    self.came.set(count);
                    self.taken.set(0);
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        Ok(self.came.get() - self.taken.get())
    }

    /// At least one byte. What was written by a call that wrote nothing is not the end; nor may ever more of that keep the
    /// thread here, so that one is passed over in a call, which then would block.
    fn read(&self) -> io::Result<usize> {
        if !self.transfer.goes_on() {
            self.transfer.read()?;
        }
        match self.transfer.outcome()? {
            0 => self.transfer.read().and(Err(io::ErrorKind::WouldBlock.into())),
            count => Ok(count),
        }
    }

    fn take(&self, there: usize, buffer: &mut [u8]) -> usize {
        let count = there.min(buffer.len());
        self.transfer.copy(self.taken.get(), &mut buffer[..count]);
        self.taken.set(self.taken.get() + count);
        count
    }
}

/// A short count says nothing: more may have come since it was read.
impl Receives for Reader {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        Ok(Done::more(self.take(self.there()?, buffer)))
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], _: usize) -> io::Result<Done<usize>> {
        let mut left = self.there()?;
        let mut count = 0;
        for buffer in buffers {
            let taken = self.take(left, buffer);
            (left, count) = (left - taken, count + taken);
        }
        Ok(Done::more(count))
    }
}

/// An end that is written.
pub struct Writer(Option<Transfer>);

impl Writer {
    fn transfer(&self) -> &Transfer {
        self.0.as_ref().expect("it is there until this is dropped")
    }
}

/// A short count says nothing: it was as much as is taken at once.
impl Sends for Writer {
    fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>> {
        let transfer = self.transfer();
        if transfer.goes_on() {
            transfer.outcome()?;
        }
        Ok(Done::more(transfer.write(data)?))
    }

    fn send_vectored_now(&self, data: &[IoSlice<'_>], length: usize) -> io::Result<Done<usize>> {
        let mut all = Vec::with_capacity(length.min(ROOM));
        for piece in data {
            all.extend_from_slice(&piece[..piece.len().min(ROOM - all.len())]);
        }
        self.send_now(&all)
    }

    fn finish(source: &Source<Self>) -> io::Result<()> {
        source.close();
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(transfer) = self.0.take() else { return };
        if transfer.goes_on() && transfer.outcome().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            // Without a thread it is given up.
            let _ = LAST.enqueue(Arc::new(Last(Mutex::new(Some(transfer)))));
        }
    }
}

/// Waits until the last was written, or nobody is there to receive it.
struct Last(Mutex<Option<Transfer>>);

impl Job for Last {
    fn run(&self) {
        let transfer = lock(&self.0).take();
        if let Some(transfer) = transfer {
            transfer.finish();
        }
    }
}

impl AsSource for Reader {
    fn kind(&self) -> Kind<'_> {
        Kind::Handle(self.transfer.over())
    }
}

impl AsSource for Writer {
    fn kind(&self) -> Kind<'_> {
        Kind::Handle(self.transfer().over())
    }
}

macro_rules! end_of_a_pipe {
    ($end:ty) => {
        impl Descriptor for $end {
            const RELIES_ON_MODE: bool = false;

            /// No call of it ever blocks.
            fn set_nonblocking(&self, _: bool) -> io::Result<()> {
                Ok(())
            }

            /// It is never lent.
            fn end(&self) {}
        }

        impl fmt::Debug for $end {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("Pipe")
            }
        }
    };
}

end_of_a_pipe!(Reader);
end_of_a_pipe!(Writer);
