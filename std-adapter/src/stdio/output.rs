//! The standard output, and that for errors.

use std::fmt;
use std::io;

use super::system;
use crate::call::Awaited;
use crate::pool::Pool;

/// One thread each, which has what is to be written in the order in which it came.
static OUT: Pool = Pool::new("giambio stdout", 1);
static ERROR: Pool = Pool::new("giambio stderr", 1);

/// The standard output of the process.
///
/// ```
/// # giambio::run(async {
/// giambio::stdout().send_all(b"hello\n").await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn stdout() -> Output {
    Output { name: "stdout", pool: &OUT, write: system::write_out }
}

/// Where the process writes what went wrong.
///
/// ```
/// # giambio::run(async {
/// giambio::stderr().send_all("no such file\n").await?;
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn stderr() -> Output {
    Output { name: "stderr", pool: &ERROR, write: system::write_error }
}

/// A standard stream that is written: what [`stdout`] and [`stderr`] return. All that are made by one of them are the same, and
/// what is sent by any is written in the order in which the futures were first polled.
#[derive(Clone, Copy)]
pub struct Output {
    name: &'static str,
    pool: &'static Pool,
    write: fn(&[u8]) -> io::Result<()>,
}

impl Output {
    /// Writes all of `data`, on a thread, as a whole: nothing that others send comes in between. Nothing is left in a buffer.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe): nobody reads any more. Others of the system's, as
    /// [`StorageFull`](io::ErrorKind::StorageFull). [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there is no thread.
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation), from when it has begun: the thread goes on, and nobody waits for it, since who
    /// reads may never do so. What has not begun is never written.
    #[track_caller]
    pub fn send_all(&self, data: impl AsRef<[u8]>) -> impl Future<Output = io::Result<()>> {
        let Output { pool, write, .. } = *self;
        async move {
            let data = data.as_ref().to_vec();
            Awaited::start(pool, move || write(&data))?.outcome().await
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
