//! Pipes.

use std::io::{self, IoSlice, IoSliceMut, PipeReader, PipeWriter};

use rustix::io::{ioctl_fionbio, read, readv, write, writev};

use super::ByteStream;
use super::kind::{Receives, Sends};
use crate::reactor::{Descriptor, Done, Source};

/// The end of a pipe that bytes come out of.
///
/// It is at its end when all its [senders](PipeSender) are closed, in all processes that have one. Its own waits are those of
/// every [`ByteStream`]; made by [`pipe`], or from what the standard library has:
///
/// ```
/// use giambio::stream::PipeReceiver;
/// use std::process::{Command, Stdio};
///
/// giambio::run(async {
///     let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
///     let said = PipeReceiver::from_std(std::os::fd::OwnedFd::from(child.stdout.take().unwrap()).into());
///     let mut buffer = [0; 6];
///     said.receive_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"hello\n");
///     child.wait().map(drop)
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub type PipeReceiver = ByteStream<PipeReader>;

/// The end of a pipe that bytes go into.
///
/// Closing it, or dropping it, is how who receives is told that nothing will follow. Once all receivers are closed, sending is
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe), in a program that ignores SIGPIPE, as those in Rust do.
pub type PipeSender = ByteStream<PipeWriter>;

/// A pipe: what goes into the sender comes out of the receiver. The system holds some bytes, 64 KiB most often; who sends more waits.
///
/// ```
/// giambio::run(async {
///     let (receiver, sender) = giambio::stream::pipe()?;
///     sender.send_all(b"hello").await?;
///     drop(sender);
///     let mut buffer = [0; 10];
///     assert_eq!(receiver.receive(&mut buffer).await?, 5);
///     assert_eq!(receiver.receive(&mut buffer).await?, 0);
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Programs that this one starts don't get the ends, but for those that they are handed:
/// [`into_std`](ByteStream::into_std) makes of an end what `Stdio` takes.
///
/// An end whose descriptor was borrowed stays open until it is dropped, whatever [`close`](ByteStream::close) says: so its other end
/// is not told before.
///
/// # Errors
/// The system's, for want of descriptors most often.
pub fn pipe() -> io::Result<(PipeReceiver, PipeSender)> {
    let (reader, writer) = io::pipe()?;
    reader.set_nonblocking(true)?;
    writer.set_nonblocking(true)?;
    Ok((PipeReceiver::from_nonblocking(reader), PipeSender::from_nonblocking(writer)))
}

macro_rules! end_of_a_pipe {
    ($end:ty) => {
        impl Descriptor for $end {
            /// No call says for itself that it must not wait.
            const RELIES_ON_MODE: bool = true;

            fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
                Ok(ioctl_fionbio(self, nonblocking)?)
            }

            fn end(&self) {}
        }
    };
}

end_of_a_pipe!(PipeReader);
end_of_a_pipe!(PipeWriter);

/// A short count says nothing: whoever sends may have set `O_DIRECT`, and then each call stops behind a packet.
impl Receives for PipeReader {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        Ok(Done::more(read(self, buffer)?))
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], _: usize) -> io::Result<Done<usize>> {
        Ok(Done::more(readv(self, buffers)?))
    }
}

impl Sends for PipeWriter {
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
