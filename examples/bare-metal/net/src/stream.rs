//! A connection, as a stream of `embedded-io-async`.

use core::fmt;
use core::future::poll_fn;
use core::task::{Poll, ready};

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};
use giambio_core::poll_proceed;
use smoltcp::phy::Device;
use smoltcp::socket::tcp::RecvError;

use crate::stack::Stack;

/// An open connection. Dropping it closes it, after what was sent.
pub struct TcpStream<'a, D: Device> {
    stack: &'a Stack<D>,
    index: usize,
}

/// Why a connection can be used no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpError {
    /// The other side broke it off, or is gone.
    Reset,
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpError::Reset => f.write_str("the client broke off the connection"),
        }
    }
}

impl core::error::Error for TcpError {}

impl Error for TcpError {
    fn kind(&self) -> ErrorKind {
        match self {
            TcpError::Reset => ErrorKind::ConnectionReset,
        }
    }
}

impl<'a, D: Device> TcpStream<'a, D> {
    pub(crate) fn new(stack: &'a Stack<D>, index: usize) -> Self {
        TcpStream { stack, index }
    }
}

impl<D: Device> Drop for TcpStream<'_, D> {
    fn drop(&mut self) {
        self.stack.close(self.index);
    }
}

impl<D: Device> ErrorType for TcpStream<'_, D> {
    type Error = TcpError;
}

impl<D: Device> Read for TcpStream<'_, D> {
    /// Waits for data; 0 says that there will be no more.
    ///
    /// # Cancellation
    /// **Restartable.** Nothing that arrived is lost.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            let result = self.stack.with(self.index, |socket| match socket.recv_slice(buffer) {
                Ok(0) => {
                    socket.register_recv_waker(cx.waker());
                    Poll::Pending
                }
                Ok(count) => Poll::Ready(Ok(count)),
                Err(RecvError::Finished) => Poll::Ready(Ok(0)),
                Err(RecvError::InvalidState) => Poll::Ready(Err(TcpError::Reset)),
            });
            if result.is_ready() {
                go.made_progress();
                self.stack.stir(); // there is room for more
            }
            result
        })
        .await
    }
}

impl<D: Device> Write for TcpStream<'_, D> {
    /// Waits for room, and takes what it has room for.
    ///
    /// # Cancellation
    /// **Restartable.** Dropped before it ended, it took nothing.
    async fn write(&mut self, data: &[u8]) -> Result<usize, TcpError> {
        if data.is_empty() {
            return Ok(0);
        }
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            let result = self.stack.with(self.index, |socket| match socket.send_slice(data) {
                Ok(0) => {
                    socket.register_send_waker(cx.waker());
                    Poll::Pending
                }
                Ok(count) => Poll::Ready(Ok(count)),
                Err(_) => Poll::Ready(Err(TcpError::Reset)),
            });
            if result.is_ready() {
                go.made_progress();
                self.stack.stir();
            }
            result
        })
        .await
    }

    /// Waits until all has arrived.
    async fn flush(&mut self) -> Result<(), TcpError> {
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            let result = self.stack.with(self.index, |socket| {
                if socket.send_queue() == 0 {
                    return Poll::Ready(Ok(()));
                }
                if !socket.is_active() {
                    return Poll::Ready(Err(TcpError::Reset));
                }
                socket.register_send_waker(cx.waker());
                Poll::Pending
            });
            if result.is_ready() {
                go.made_progress();
            }
            result
        })
        .await
    }
}
