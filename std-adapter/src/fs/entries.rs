//! What is in a folder.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, FileType};
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};

use super::batches::Batches;
use super::path_error::named;

/// What is in a folder, in whatever order the system has it.
///
/// ```
/// # giambio::run(async {
/// let mut entries = giambio::fs::read_dir("src");
/// while let Some(entry) = entries.next().await? {
///     println!("{}", entry.path().display());
/// }
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
///
/// It is opened by the first [`next`](Entries::next).
pub fn read_dir(path: impl AsRef<Path>) -> Entries {
    let path = path.as_ref().to_owned();
    let mut opened = None;
    Entries(Batches::new(std::iter::from_fn(move || {
        let is_first = opened.is_none();
        let entries = opened.get_or_insert_with(|| fs::read_dir(&path).map_err(named("open the folder", &path)));
        match entries {
            Ok(entries) => entries.next().map(|entry| Entry::of(entry, &path)),
            // It is told once.
            Err(error) if is_first => Some(Err(std::mem::replace(error, io::ErrorKind::Other.into()))),
            Err(_) => None,
        }
    })))
}

/// What [`read_dir`] returns.
pub struct Entries(Batches<Entry>);

impl Entries {
    /// The next one; `None`: that was all.
    ///
    /// # Errors
    /// The system's, with the path. There may be others behind it. [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there is
    /// no thread to look; another call tries again.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "it waits")]
    pub fn next(&mut self) -> impl Future<Output = io::Result<Option<Entry>>> {
        poll_fn(|cx| self.0.poll_next(cx))
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").finish_non_exhaustive()
    }
}

/// A file, folder or other thing that is in a folder.
#[derive(Clone, Debug)]
pub struct Entry {
    path: PathBuf,
    kind: FileType,
    depth: usize,
}

impl Entry {
    fn of(entry: io::Result<fs::DirEntry>, folder: &Path) -> io::Result<Entry> {
        let entry = entry.map_err(named("read the folder", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(named("look at", &path))?;
        Ok(Entry { path, kind, depth: 1 })
    }

    pub(super) fn new(path: PathBuf, kind: FileType, depth: usize) -> Entry {
        Entry { path, kind, depth }
    }

    /// The folder's path, and the name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same, to keep.
    ///
    /// ```
    /// use giambio::fs;
    ///
    /// # giambio::run(async {
    /// let mut names = Vec::new();
    /// let mut entries = fs::read_dir("src");
    /// while let Some(entry) = entries.next().await? {
    ///     names.push((entry.file_name().to_owned(), entry.depth(), entry.into_path()));
    /// }
    /// assert!(names.iter().all(|(name, depth, path)| *depth == 1 && path.ends_with(name)));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_path(self) -> PathBuf {
        self.path
    }

    /// The name alone.
    pub fn file_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// What it is. A symbolic link is one, but where [`walk`](super::walk) follows it.
    pub fn file_type(&self) -> FileType {
        self.kind
    }

    /// How deep it is in what was asked for: 1 is in it.
    pub fn depth(&self) -> usize {
        self.depth
    }
}
