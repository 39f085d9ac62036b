//! What sockets have in common as descriptors, in the same words for each kind, though no trait says so.

macro_rules! descriptor {
    ($socket:ty) => {
        impl $crate::reactor::Descriptor for $socket {
            const RELIES_ON_MODE: bool = $crate::net::system::RELIES_ON_MODE;

            fn set_nonblocking(&self, nonblocking: bool) -> std::io::Result<()> {
                self.set_nonblocking(nonblocking)
            }

            fn prepare(&self) {
                $crate::net::system::make_quiet(self);
            }

            fn end(&self) {
                // It is refused where there is no connection, or none any more.
                let _ = socket2::SockRef::from(self).shutdown(std::net::Shutdown::Both);
            }
        }
    };
}

pub(super) use descriptor;
