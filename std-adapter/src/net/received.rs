//! What a datagram turned out to be.

/// A datagram that was received: how much of it is in the buffer, and whether that is all.
///
/// What of a datagram finds no room in the buffer is gone, and the next call gets the next one. So it is said here:
///
/// ```
/// use giambio::net::UdpSocket;
///
/// giambio::run(async {
///     let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
///     one.send_to(b"a long one", other.local_addr()?).await?;
///     one.send_to(b"", other.local_addr()?).await?;
///     let mut buffer = [0; 6];
///     let (received, _) = other.receive_from(&mut buffer).await?;
///     assert_eq!(&buffer[..received.length], b"a long");
///     assert!(received.is_cut && matches!(received.whole, Some(10) | None));
///     let (received, _) = other.receive_from(&mut buffer).await?;
///     assert!(received.length == 0 && !received.is_cut); // one without bytes: the end of nothing
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes are in the buffer, from its beginning. A datagram may be without any.
    pub length: usize,
    /// Was it longer than the buffer? What did not fit is gone.
    pub is_cut: bool,
    /// How many bytes were sent, if that is known: of one that was cut Linux, Android and Windows tell it.
    pub whole: Option<usize>,
}

impl Received {
    /// One of so many bytes, for which there was this room.
    #[allow(dead_code, reason = "not every system tells the length")]
    pub(super) fn of(whole: usize, room: usize) -> Received {
        Received { length: whole.min(room), is_cut: whole > room, whole: Some(whole) }
    }

    /// So many bytes of one that may have been longer.
    #[allow(dead_code, reason = "some systems tell the length")]
    pub(super) fn cut_or_not(length: usize, is_cut: bool) -> Received {
        Received { length, is_cut, whole: (!is_cut).then_some(length) }
    }
}
