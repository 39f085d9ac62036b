//! What the connections need, all of it in one `static`.

use smoltcp::iface::SocketStorage;

/// Room for `SOCKETS` connections with `BYTES` of buffer in each direction.
///
/// A few more than there are clients at once: those that wait for the next client, and those that
/// are being closed, need one each.
pub struct Memory<const SOCKETS: usize, const BYTES: usize> {
    pub(crate) buffers: [[[u8; BYTES]; 2]; SOCKETS],
    pub(crate) sockets: [SocketStorage<'static>; SOCKETS],
    pub(crate) places: [Place; SOCKETS],
}

/// What a socket is there for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// It waits for a client, or has one that nobody has accepted.
    Listening,
    /// A `TcpStream` has it.
    Open,
    /// Its stream is gone: it says what is left to say, until this time in milliseconds.
    Closing { until: i64 },
}

impl<const SOCKETS: usize, const BYTES: usize> Memory<SOCKETS, BYTES> {
    /// Unused memory.
    pub const fn new() -> Self {
        Memory {
            buffers: [[[0; BYTES]; 2]; SOCKETS],
            sockets: [SocketStorage::EMPTY; SOCKETS],
            places: [Place::Listening; SOCKETS],
        }
    }
}

impl<const SOCKETS: usize, const BYTES: usize> Default for Memory<SOCKETS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}
