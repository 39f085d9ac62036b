//! What the connections need, in two `static`s: the large one is zero at the start, and so takes no
//! flash.

use smoltcp::iface::SocketStorage;

/// Buffers for `SOCKETS` connections, of `BYTES` in each direction.
pub struct Buffers<const SOCKETS: usize, const BYTES: usize>(pub(crate) [[[u8; BYTES]; 2]; SOCKETS]);

impl<const SOCKETS: usize, const BYTES: usize> Buffers<SOCKETS, BYTES> {
    /// Empty buffers.
    pub const fn new() -> Self {
        Buffers([[[0; BYTES]; 2]; SOCKETS])
    }
}

impl<const SOCKETS: usize, const BYTES: usize> Default for Buffers<SOCKETS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// The sockets themselves. A few more than there are clients at once: those that wait for the next
/// client, and those that are being closed, need one each.
pub struct Sockets<const SOCKETS: usize> {
    pub(crate) storage: [SocketStorage<'static>; SOCKETS],
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

impl<const SOCKETS: usize> Sockets<SOCKETS> {
    /// Unused sockets.
    pub const fn new() -> Self {
        Sockets { storage: [SocketStorage::EMPTY; SOCKETS], places: [Place::Listening; SOCKETS] }
    }
}

impl<const SOCKETS: usize> Default for Sockets<SOCKETS> {
    fn default() -> Self {
        Self::new()
    }
}
