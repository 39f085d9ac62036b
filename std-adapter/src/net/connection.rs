//! What connections of the standard library have in common, in the same words for each kind, though no trait says so.

macro_rules! connection {
    ($stream:ty, $address:ty) => {
        const _: () = {
            use std::io::{self, IoSlice};
            use std::net::Shutdown;

            use $crate::net::{descriptor::descriptor, system};
            use $crate::reactor::{Done, Source};
            use $crate::stream::{Connection, Sends};

            descriptor!($stream);

            impl Sends for $stream {
                fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>> {
                    system::send(self, data)
                }

                fn send_vectored_now(&self, data: &[IoSlice<'_>], length: usize) -> io::Result<Done<usize>> {
                    system::send_vectored(self, data, length)
                }

                fn finish(source: &Source<Self>) -> io::Result<()> {
                    source.shut_down(Shutdown::Write, |socket| socket.shutdown(Shutdown::Write))
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
