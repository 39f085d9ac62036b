//! Opening files, and a call that has one to itself.

use std::fs;
use std::io;
use std::path::Path;

use super::job::writing;
use super::path_error::named;
use super::system::{close, open, restrict};

/// How a file is opened: as [`std::fs::OpenOptions`], which this is made of.
///
/// ```
/// use giambio::fs::OpenOptions;
///
/// # giambio::run(async {
/// giambio::fs::in_temporary_folder(async |folder| {
///     let file = OpenOptions::new().write(true).create(true).open(folder.join("log")).await?;
///     file.write_at(b"one line\n".to_vec(), 0).await.1?;
///     file.close().await
/// })
/// .await?
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    options: fs::OpenOptions,
    /// Were they made elsewhere, where they may have got any flags of the system's?
    may_have_flags: bool,
}

impl OpenOptions {
    /// Nothing is allowed yet.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "as that of the standard library")]
    pub fn new() -> OpenOptions {
        OpenOptions { options: fs::OpenOptions::new(), may_have_flags: false }
    }

    /// To read it.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.options.read(read);
        self
    }

    /// To write it.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.options.write(write);
        self
    }

    /// To write it at its end, wherever that is by then, and wherever a [`write_at`](super::File::write_at) says.
    ///
    /// ```
    /// use giambio::fs;
    ///
    /// # giambio::run(async {
    /// fs::in_temporary_folder(async |folder| {
    ///     let path = folder.join("log");
    ///     fs::write(&path, "one\n").await?;
    ///     let mut options = fs::OpenOptions::new();
    ///     fs::with_file(options.append(true), &path, |file| {
    ///         use std::io::Write;
    ///         file.write_all(b"two\n")
    ///     })
    ///     .await?;
    ///     assert_eq!(fs::read_to_string(&path).await?, "one\ntwo\n");
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// .await?
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.options.append(append);
        self
    }

    /// Makes it empty.
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.options.truncate(truncate);
        self
    }

    /// Makes it, if there is none.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.options.create(create);
        self
    }

    /// Makes it, and refuses if there is one.
    ///
    /// ```
    /// use giambio::fs;
    ///
    /// # giambio::run(async {
    /// fs::in_temporary_folder(async |folder| {
    ///     let mut options = fs::OpenOptions::new();
    ///     options.write(true).create_new(true);
    ///     let lock = options.open(folder.join("lock")).await?;
    ///     assert!(options.open(folder.join("lock")).await.is_err()); // somebody has it
    ///     let mut options = fs::OpenOptions::new();
    ///     options.write(true).truncate(true).open(folder.join("lock")).await?.close().await?; // it is empty now
    ///     lock.close().await?;
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// .await?
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.options.create_new(create_new);
        self
    }

    /// A file that it makes is open to nobody to whom this one isn't.
    pub(super) fn no_more_open_than(&mut self, like: &fs::Metadata) -> &mut OpenOptions {
        restrict(&mut self.options, like);
        self
    }

    pub(super) fn open_now(&self, path: &Path) -> io::Result<fs::File> {
        open(&self.options, self.may_have_flags, path).map_err(named("open", path))
    }
}

/// From the options of the standard library, with whatever else they say. [FIFOs](super#fifos) are found by a look before the
/// opening then.
impl From<fs::OpenOptions> for OpenOptions {
    fn from(options: fs::OpenOptions) -> OpenOptions {
        OpenOptions { options, may_have_flags: true }
    }
}

/// Opens a file and calls `work` with it, on a thread; when this returns, it is closed, and what the system had to say about
/// that is returned. For whatever is many small steps: buffered reading and writing, libraries that want a [`std::fs::File`].
///
/// ```
/// use giambio::fs::{OpenOptions, with_file};
/// use std::io::{BufRead, BufReader};
///
/// # giambio::run(async {
/// let lines = with_file(OpenOptions::new().read(true), "Cargo.toml", |file| Ok(BufReader::new(file).lines().count())).await?;
/// assert!(lines > 10);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// Of opening, with the path; of `work`; of closing.
///
/// # Panics
/// If `work` panics. The file is closed.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when `work` has begun: it is waited for, and its result is dropped. It may ask
/// [`is_abandoned`](crate::is_abandoned()), and stop.
#[track_caller]
pub fn with_file<R, P, F>(options: &OpenOptions, path: P, work: F) -> impl Future<Output = io::Result<R>> + use<R, P, F>
where
    P: AsRef<Path>,
    F: FnOnce(&mut fs::File) -> io::Result<R> + Send + 'static,
    R: Send + 'static,
{
    let (options, path) = (options.clone(), path.as_ref().to_owned());
    writing(move || {
        let mut file = options.open_now(&path)?;
        let result = work(&mut file)?;
        close(file).map_err(named("close", &path))?;
        Ok(result)
    })
}
