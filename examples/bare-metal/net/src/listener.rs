//! Accepting connections.

use core::future::poll_fn;
use core::task::{Poll, ready};

use giambio_core::poll_proceed;
use smoltcp::phy::Device;
use smoltcp::wire::IpEndpoint;

use crate::memory::Place;
use crate::stack::Stack;
use crate::stream::TcpStream;

/// Accepts the connections of a stack's port. `smoltcp` has no backlog: each socket of the stack
/// that is free waits for a client of its own.
pub struct Listener<'a, D: Device> {
    stack: &'a Stack<D>,
}

impl<'a, D: Device> Listener<'a, D> {
    /// The listener of a stack, for one task.
    pub fn new(stack: &'a Stack<D>) -> Self {
        Listener { stack }
    }

    /// Waits for a client.
    ///
    /// # Cancellation
    /// **Restartable.** A client that has come stays there for the next call.
    pub async fn accept(&mut self) -> (TcpStream<'a, D>, IpEndpoint) {
        poll_fn(|cx| {
            let go = ready!(poll_proceed(cx));
            self.stack.clients.register(cx.waker());
            let mut inner = self.stack.inner();
            for index in 0..inner.places.len() {
                if inner.places[index] != Place::Listening {
                    continue;
                }
                let socket = inner.socket(index);
                if let (true, Some(peer)) = (socket.may_send(), socket.remote_endpoint()) {
                    socket.set_nagle_enabled(false); // answers go out at once
                    inner.places[index] = Place::Open;
                    go.made_progress();
                    return Poll::Ready((TcpStream::new(self.stack, index), peer));
                }
            }
            Poll::Pending
        })
        .await
    }
}
