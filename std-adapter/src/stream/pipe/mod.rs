//! Pipes.
//!
//! On Windows an end is opened either for calls that wait, as programs want theirs, or for such as go on by themselves, as
//! this crate needs. So there each pipe is between this program and another: [`process`](crate::process) has them. One
//! between two others is made by [`std::io::pipe`].

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix::{Reader, Writer};
#[cfg(windows)]
use windows::{Reader, Writer};

use super::ByteStream;

/// The end of a pipe that bytes come out of.
///
/// It is at its end when all its [senders](PipeSender) are closed, in all processes that have one. Its own waits are those of
/// every [`ByteStream`]. A program's output is one, as [`Child::stdout`](crate::process::Child::stdout); on Unix it is made by
/// `pipe`, too, or from what the standard library has:
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
///
/// On Windows some bytes that have come may wait in this process, 8 KiB at most.
pub type PipeReceiver = ByteStream<Reader>;

/// The end of a pipe that bytes go into.
///
/// Closing it, or dropping it, is how who receives is told that nothing will follow. Once all receivers are closed, sending is
/// [`BrokenPipe`](std::io::ErrorKind::BrokenPipe), in a program that ignores SIGPIPE, as those in Rust do.
///
/// On Windows what was sent last, 8 KiB at most, may wait in this process until who receives takes it. It is delivered though
/// this end is closed, and an error of it is one of the next call.
pub type PipeSender = ByteStream<Writer>;

/// A pipe: what goes into the sender comes out of the receiver. The system holds some bytes, 64 KiB most often; who sends
/// more waits.
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
/// An end whose descriptor was borrowed may be [closed](ByteStream::close), too: who has borrowed it finds nobody at the
/// other end of it then.
///
/// # Errors
/// The system's, for want of descriptors most often.
#[cfg(unix)]
pub fn pipe() -> std::io::Result<(PipeReceiver, PipeSender)> {
    use crate::reactor::Descriptor;

    let (reader, writer) = std::io::pipe()?;
    reader.set_nonblocking(true)?;
    writer.set_nonblocking(true)?;
    Ok((PipeReceiver::from_nonblocking(reader), PipeSender::from_nonblocking(writer)))
}
