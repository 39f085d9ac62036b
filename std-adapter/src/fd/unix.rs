//! What waits for a descriptor, on Unix: what only some systems tell, and the descriptor itself.

use std::os::fd::{AsFd, BorrowedFd};

use super::Fd;

impl<T: AsFd> AsFd for Fd<T> {
    /// The descriptor of what is waited for.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod urgent {
    use std::io;
    use std::os::fd::AsFd;

    use rustix::event::PollFlags;

    use crate::fd::Fd;
    use crate::fd::twin::Twin;
    use crate::reactor::{Direction, Done, Source};

    /// # What is urgent
    /// On Linux and Android: data out of band of a TCP connection, an edge at a pin of a GPIO or another attribute of sysfs,
    /// an event of a video device. What is waited for takes one more descriptor.
    impl<T: AsFd> Fd<T> {
        /// Waits until the system says that something urgent is there (`POLLPRI`), or an error. Others may read and write
        /// meanwhile.
        ///
        /// ```
        /// # #[cfg(target_os = "linux")] {
        /// use std::io::ErrorKind;
        /// use std::net::{TcpListener, TcpStream};
        /// use std::time::Duration;
        /// use giambio::{fd::Fd, move_on_after};
        ///
        /// # giambio::run(async {
        /// let listener = TcpListener::bind("127.0.0.1:0")?;
        /// let fd = Fd::new(TcpStream::connect(listener.local_addr()?)?)?;
        /// // The peer sends nothing that is urgent.
        /// assert!(move_on_after(Duration::from_millis(1), fd.priority()).await.is_none());
        /// let nothing = fd.try_priority_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into()));
        /// assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        /// # Ok::<(), std::io::Error>(()) })?;
        /// # }
        /// # Ok::<(), std::io::Error>(())
        /// ```
        ///
        /// # Errors
        /// As [`readable`](Fd::readable), while another task waits for what is urgent; the system's, for want of descriptors.
        ///
        /// # Panics
        /// As [`readable`](Fd::readable).
        ///
        /// # Cancellation
        /// [**Restartable.**](giambio_core#cancellation)
        #[track_caller]
        pub fn priority(&self) -> impl Future<Output = io::Result<()>> {
            async { self.urgent()?.attempt(Some(Direction::Read), |twin| twin.is(PollFlags::PRI)).await }
        }

        /// As [`read_with`](Fd::read_with), and waits for what is urgent.
        ///
        /// # Errors
        /// As [`read_with`](Fd::read_with), while another task waits for what is urgent; the system's, for want of descriptors.
        ///
        /// # Panics
        /// As [`read_with`](Fd::read_with).
        ///
        /// # Cancellation
        /// As [`read_with`](Fd::read_with).
        #[track_caller]
        pub fn priority_with<R>(&self, mut f: impl FnMut(&T) -> io::Result<R>) -> impl Future<Output = io::Result<R>> {
            async move { self.urgent()?.attempt_call(Direction::Read, || f(&self.io)).await }
        }

        /// Calls `f` once, unless another task waits for what is urgent. Never waits, if `f` does not.
        ///
        /// # Errors
        /// As [`try_read_with`](Fd::try_read_with), while another task waits for what is urgent; the system's, for want of
        /// descriptors.
        pub fn try_priority_with<R>(&self, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
            self.urgent()?.try_call(Direction::Read, || f(&self.io).map(Done::more))
        }

        fn urgent(&self) -> io::Result<&Source<Twin>> {
            self.twin.expect_open()?;
            self.urgent.of(&self.io)
        }
    }
}
