//! What the server says to one client.
//!
//! Nothing here knows of sockets or of an operating system: the same file serves on a microcontroller, given a
//! [`Stream`] and the two logging macros.

use core::fmt::{self, Display};

use crate::log::{info, warn};

const WELCOME: &[u8] = b"Welcome to the server pal, feel free to send me something!\n-> ";
const GOT: &[u8] = b"Got: ";
const PROMPT: &[u8] = b"-> ";

/// How much of what a client sent is answered at once.
const PIECE: usize = 1024;

/// What a connection has to offer.
pub(crate) trait Stream {
    type Error: Display;
    /// Waits for data; 0 says that there will be no more.
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error>;
    async fn send_all(&mut self, data: &[u8]) -> Result<(), Self::Error>;
}

/// A client asked the server to exit.
#[derive(Debug)]
pub(crate) struct ExitRequest<A>(A);

impl<A: Display> Display for ExitRequest<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shutdown request from {}", self.0)
    }
}

impl<A: Display + fmt::Debug> core::error::Error for ExitRequest<A> {}

/// Serves one client until it leaves, for whatever reason.
///
/// # Errors
/// The client said `exit`: this ends the whole server.
#[expect(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice: 80 bytes more for each client")]
pub(crate) fn handler<S, A, E>(mut stream: S, address: A) -> impl Future<Output = Result<(), E>>
where
    S: Stream,
    A: Display,
    E: From<ExitRequest<A>>,
{
    async move {
        match converse(&mut stream, &address).await {
            Ok(Farewell::Left) => info!("Connection from {address} closed"),
            Ok(Farewell::Exit) => return Err(ExitRequest(address).into()),
            // A client that breaks off is no reason to disturb the others.
            Err(error) => warn!("Connection from {address} closed: {error}"),
        }
        Ok(())
    }
}

enum Farewell {
    Left,
    Exit,
}

async fn converse<S: Stream>(stream: &mut S, address: &impl Display) -> Result<Farewell, S::Error> {
    stream.send_all(WELCOME).await?;
    // Data is received to where it belongs in the answer, which is sent whole, with the next prompt.
    let mut buffer = [0; GOT.len() + PIECE + PROMPT.len()];
    buffer[..GOT.len()].copy_from_slice(GOT);
    loop {
        let count = stream.receive(&mut buffer[GOT.len()..][..PIECE]).await?;
        let end = GOT.len() + count;
        let data = &buffer[GOT.len()..end];
        if data.is_empty() {
            return Ok(Farewell::Left);
        }
        if data == b"exit\n" {
            // Who asks for this may be gone before the answer comes.
            let _ = stream.send_all(b"Shutting down the server\n").await;
            return Ok(Farewell::Exit);
        }
        info!("Got: b'{}' from {address}", data.escape_ascii());
        buffer[end..][..PROMPT.len()].copy_from_slice(PROMPT);
        stream.send_all(&buffer[..end + PROMPT.len()]).await?;
        info!("Echoed back b'{}' to {address}", buffer[GOT.len()..end].escape_ascii());
    }
}
