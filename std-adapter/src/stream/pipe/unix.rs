//! Pipes on Unix: those of the standard library.

use std::io::{self, IoSlice, IoSliceMut, pipe};
pub(super) use std::io::{PipeReader as Reader, PipeWriter as Writer};

use giambio_core::__fault as fault;
use rustix::io::{ioctl_fionbio, read, readv, write, writev};

use crate::reactor::{Descriptor, Done, Source, replace};
use crate::stream::kind::{Receives, Sends};

macro_rules! end_of_a_pipe {
    ($end:ty, $same:expr) => {
        impl Descriptor for $end {
            /// No call says for itself that it must not wait.
            const RELIES_ON_MODE: bool = true;

            fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
                Ok(ioctl_fionbio(self, nonblocking)?)
            }

            /// The other end has to hear of it, and that takes that no number of this process means this end. So its number
            /// means an end of another pipe now, at which nobody is. Without descriptors to make one, the other end hears of
            /// it when this is dropped.
            fn end(&self) {
                let at_nobody = || replace(self, &pipe().map($same)?);
                if !fault!("lent-pipe-stays-open") {
                    let _ = at_nobody();
                }
            }
        }
    };
}

end_of_a_pipe!(Reader, |(reader, _)| reader);
end_of_a_pipe!(Writer, |(_, writer)| writer);

/// A short count says nothing: whoever sends may have set `O_DIRECT`, and then each call stops behind a packet.
impl Receives for Reader {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        Ok(Done::more(read(self, buffer)?))
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], _: usize) -> io::Result<Done<usize>> {
        Ok(Done::more(readv(self, buffers)?))
    }
}

impl Sends for Writer {
    fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>> {
        Ok(Done::moved(write(self, data)?, data.len()))
    }

    fn send_vectored_now(&self, data: &[IoSlice<'_>], length: usize) -> io::Result<Done<usize>> {
        Ok(Done::moved(writev(self, data)?, length))
    }

    fn finish(source: &Source<Self>) -> io::Result<()> {
        source.close();
        Ok(())
    }
}
