//! The options of a connection that Linux and Android alone have.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::io;
use std::time::Duration;

use socket2::SockRef;

use super::stream::TcpStream;

impl TcpStream {
    /// How long what was sent may stay unacknowledged, or find no room at the peer, before the connection is given up.
    /// `None`: the system decides, which takes a quarter of an hour and more.
    ///
    /// On Linux and Android.
    ///
    /// ```
    /// use giambio::net::{TcpListener, TcpStream};
    /// use std::time::Duration;
    ///
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (peer, _) = listener.accept().await?;
    /// stream.set_user_timeout(Some(Duration::from_secs(20)))?;
    /// assert_eq!(stream.user_timeout()?, Some(Duration::from_secs(20)));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [options](#options).
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        self.option(|socket| SockRef::from(socket).tcp_user_timeout())
    }

    /// Sets [`user_timeout`](TcpStream::user_timeout), in whole milliseconds, rounded up, and at least one. Who waits for the
    /// connection then is told [`TimedOut`](io::ErrorKind::TimedOut), and never before that time.
    ///
    /// A connection on which nothing is under way is not looked at: for a peer that vanished then, also
    /// [`set_keepalive`](TcpStream::set_keepalive). Where both are set, this says how long probes may go unanswered.
    ///
    /// On Linux and Android.
    ///
    /// # Errors
    /// See [options](#options). [`InvalidInput`](io::ErrorKind::InvalidInput) for more than the system knows, which is
    /// 2,147,483,647 milliseconds (24 days); what was set before is so still.
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.option(|socket| SockRef::from(socket).set_tcp_user_timeout(timeout.map(whole_millis)))
    }
}

/// Rounded up: zero would mean something else.
fn whole_millis(span: Duration) -> Duration {
    let up = Duration::from_nanos(999_999);
    Duration::from_millis(u64::try_from(span.saturating_add(up).as_millis()).unwrap_or(u64::MAX).max(1))
}
