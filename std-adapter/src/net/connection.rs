//! What connections of the standard library have in common, in the same words for each kind, though no trait says so.

macro_rules! connection {
    ($stream:ty, $address:ty) => {
        const _: () = {
            use std::io::{self, IoSlice};
            use std::net::Shutdown;

            use $crate::net::system;
            use $crate::reactor::{Descriptor, Done, Source};
            use $crate::stream::{Connection, Sends};

            impl Descriptor for $stream {
                const RELIES_ON_MODE: bool = system::RELIES_ON_MODE;

                fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
                    self.set_nonblocking(nonblocking)
                }

                fn prepare(&self) {
                    system::make_quiet(self);
                }

                fn end(&self) {
                    // It is refused where there is no connection any more.
                    let _ = self.shutdown(Shutdown::Both);
                }
            }

            impl Sends for $stream {
                fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>> {
                    system::send(self, data)
                }

                fn send_vectored_now(&self, data: &[IoSlice<'_>], length: usize) -> io::Result<Done<usize>> {
                    system::send_vectored(self, data, length)
                }

                fn finish(source: &Source<Self>) -> io::Result<()> {
                    source.with(|socket| socket.shutdown(Shutdown::Write))
                }
            }

            impl Connection for $stream {
                type Address = $address;

                fn peek_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
                    system::peek(self, buffer)
                }

                fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {
                    self.shutdown(how)
                }

                fn local_address(&self) -> io::Result<$address> {
                    self.local_addr()
                }

                fn peer_address(&self) -> io::Result<$address> {
                    self.peer_addr()
                }

                fn pending_error(&self) -> io::Result<Option<io::Error>> {
                    self.take_error()
                }
            }
        };
    };
}

pub(super) use connection;
