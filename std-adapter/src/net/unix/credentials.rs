//! Who is at the other end.

use std::io;

use super::stream::UnixStream;
use crate::reactor::peer_of;

/// Who is at the other end of a [`UnixStream`]: as it was when the connection was made, or the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The process, if the system tells it (Linux and Android do) and it can be seen from here. It may be gone by now, and
    /// its number another one's.
    pub pid: Option<u32>,
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl UnixStream {
    /// Who is at the other end, as the system knows it.
    ///
    /// ```
    /// use giambio::net::unix::UnixStream;
    ///
    /// let (one, _other) = UnixStream::pair()?;
    /// println!("user {}", one.peer_credentials()?.uid); // we ourselves
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed); [`Unsupported`](io::ErrorKind::Unsupported) on illumos and Solaris; the system's, if
    /// there is no other end any more.
    pub fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        use std::os::fd::AsFd;
        let (pid, uid, gid) = self.source().with(|socket| peer_of(socket.as_fd()))?;
        Ok(PeerCredentials { pid, uid, gid })
    }
}
