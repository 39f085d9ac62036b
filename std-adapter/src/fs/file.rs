//! A file that stays open, and is read and written at places.

use std::fs::{self, Metadata};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use giambio_core::__fault as fault;

use super::job::{reading, writing};
use super::open::OpenOptions;
use super::path_error::named;
use super::system::{close, read_at, write_at};
use super::whole::{PIECE, given_up};
use crate::call::is_abandoned;
use crate::pool::lock;

/// A file that is open. It has no position: each call says where it reads or writes, so that any number may be under way at
/// once.
///
/// What is written is the system's when the call returns, and nothing is kept here. A buffer goes with the call, and comes
/// back:
///
/// ```
/// use giambio::fs::OpenOptions;
///
/// # giambio::run(async {
/// # giambio::fs::in_temporary_folder(async |folder| {
/// # let path = folder.join("numbers");
/// let mut options = OpenOptions::new();
/// let file = options.read(true).write(true).create(true).open(path).await?;
/// let (buffer, written) = file.write_at(b"0123456789".to_vec(), 0).await;
/// written?;
/// let (mut buffer, count) = file.read_at(buffer, 7).await;
/// buffer.truncate(count?);
/// assert_eq!(buffer, b"789");
/// file.close().await
/// # }).await?
/// # }).unwrap();
/// ```
///
/// Dropped, it is closed without a word.
#[derive(Clone, Debug)]
pub struct File {
    file: Arc<fs::File>,
    path: Arc<Path>,
}

impl OpenOptions {
    /// Opens a file.
    ///
    /// # Errors
    /// The system's, with the path; [`Unsupported`](io::ErrorKind::Unsupported): it is a [FIFO](super#fifos).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) What has begun is waited for, and what was opened is closed: a file may
    /// have been made, or have been made empty.
    #[track_caller]
    pub fn open<P: AsRef<Path>>(&self, path: P) -> impl Future<Output = io::Result<File>> + use<P> {
        let (options, path) = (self.clone(), path.as_ref().to_owned());
        writing(move || {
            let file = Arc::new(options.open_now(&path)?);
            Ok(File { file, path: path.into() })
        })
    }
}

impl File {
    /// Opens a file, to read it.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn open<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<File>> + use<P> {
        OpenOptions::new().read(true).open(path)
    }

    /// Over what the standard library has opened; `path` is for errors.
    pub fn from_std(file: fs::File, path: impl Into<PathBuf>) -> File {
        File { file: Arc::new(file), path: path.into().into() }
    }

    /// Reads into the whole length of `buffer`, from the byte with this number on. Returns the buffer, and how many bytes
    /// there were: fewer than it is long only where the file ends.
    ///
    /// # Errors
    /// The system's, with the path; [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there is no thread to read it. The buffer
    /// comes back all the same.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) But the buffer is gone. It is not waited for, and stops after the piece
    /// that it is at, of 4 MiB.
    #[track_caller]
    pub fn read_at(&self, buffer: Vec<u8>, at: u64) -> impl Future<Output = (Vec<u8>, io::Result<usize>)> + use<> {
        let File { file, path } = self.clone();
        lent(buffer, move |lent| {
            reading(move || {
                let mut buffer = lent.take();
                let count = full(&file, &mut buffer, at).map_err(named("read", &path));
                Ok((buffer, count))
            })
        })
    }

    /// Writes all of `buffer`, from the byte with this number on. Returns the buffer.
    ///
    /// # Errors
    /// The system's, with the path; a part may have been written. [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there is no
    /// thread to write it. The buffer comes back all the same.
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for. The buffer is gone.
    #[track_caller]
    pub fn write_at(&self, buffer: Vec<u8>, at: u64) -> impl Future<Output = (Vec<u8>, io::Result<()>)> + use<> {
        let File { file, path } = self.clone();
        lent(buffer, move |lent| {
            writing(move || {
                let buffer = lent.take();
                let written = write_all_at(&file, &buffer, at).map_err(named("write", &path));
                Ok((buffer, written))
            })
        })
    }

    /// Makes it so long: what is behind is gone, what is new is zeros.
    ///
    /// ```
    /// use giambio::fs;
    ///
    /// # giambio::run(async {
    /// fs::in_temporary_folder(async |folder| {
    ///     let path = folder.join("file");
    ///     let file = fs::File::from_std(std::fs::File::create(&path)?, &path);
    ///     file.set_len(4096).await?;
    ///     file.sync().await?;
    ///     assert_eq!(file.metadata().await?.len(), 4096);
    ///     file.close().await?;
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// .await?
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system's, with the path.
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation), from when it has begun: it is waited for.
    #[track_caller]
    pub fn set_len(&self, length: u64) -> impl Future<Output = io::Result<()>> + use<> {
        let File { file, path } = self.clone();
        writing(move || file.set_len(length).map_err(named("change the length of", &path)))
    }

    /// What the system knows of it.
    ///
    /// # Errors
    /// The system's, with the path.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> + use<> {
        let File { file, path } = self.clone();
        reading(move || file.metadata().map_err(named("look at", &path)))
    }

    /// Waits until all that was written is on the disk, and what is known of the file, too.
    ///
    /// # Errors
    /// The system's, with the path: what was written before may be lost, and another call does not say so again.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) What has begun is waited for.
    #[track_caller]
    pub fn sync(&self) -> impl Future<Output = io::Result<()>> + use<> {
        let File { file, path } = self.clone();
        writing(move || file.sync_all().map_err(named("bring to the disk", &path)))
    }

    /// Closes it, and says what the system has to say about that: some tell only now that something could not be written.
    ///
    /// # Errors
    /// The system's, with the path. [`ResourceBusy`](io::ErrorKind::ResourceBusy): a clone has it open, a read that was given
    /// up is still at its piece, or another call that was dropped without a cancellation at work; the last of them closes it.
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): it is waited for, and what the system says is lost.
    #[track_caller]
    pub fn close(self) -> impl Future<Output = io::Result<()>> {
        let File { file, path } = self;
        writing(move || {
            let file = Arc::into_inner(file).ok_or_else(|| io::Error::from(io::ErrorKind::ResourceBusy));
            file.and_then(close).map_err(named("close", &path))
        })
    }
}

/// A buffer on its way to a thread. It is kept here, too, since the call may get no thread and be gone.
struct Lent(Arc<Mutex<Vec<u8>>>);

impl Lent {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *lock(&self.0))
    }
}

/// What comes back from a thread, with the buffer. If there is none, it was not touched.
async fn lent<T, O>(buffer: Vec<u8>, call: impl FnOnce(Lent) -> O) -> (Vec<u8>, io::Result<T>)
where
    O: Future<Output = io::Result<(Vec<u8>, io::Result<T>)>>,
{
    let kept = Lent(Arc::new(Mutex::new(buffer)));
    let outcome = call(Lent(kept.0.clone())).await;
    outcome.unwrap_or_else(|error| {
        let buffer = if fault!("lent-buffers-are-lost") { Vec::new() } else { kept.take() };
        (buffer, Err(error))
    })
}

/// Reads until the buffer is full or the file ends, unless it is given up meanwhile.
fn full(file: &fs::File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        if is_abandoned() {
            return Err(given_up());
        }
        let end = buffer.len().min(count.saturating_add(PIECE));
        match read_at(file, &mut buffer[count..end], at + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn write_all_at(file: &fs::File, mut data: &[u8], mut at: u64) -> io::Result<()> {
    while !data.is_empty() {
        match write_at(file, data, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => (data, at) = (&data[count..], at + count as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
