//! What is in a folder, and in the folders in it.

use std::fmt;
use std::fs;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};

use super::batches::Batches;
use super::entries::Entry;
use super::path_error::named;
use crate::call::is_abandoned;

/// All that is in a folder, and in the folders in it: each folder before what is in it. Symbolic links are told of, and
/// [not followed](Walk::follow_links).
///
/// ```
/// # giambio::run(async {
/// let mut bytes = 0;
/// let mut walk = giambio::fs::walk("src");
/// while let Some(entry) = walk.next().await? {
///     if entry.file_type().is_file() {
///         bytes += giambio::fs::metadata(entry.path()).await?.len();
///     }
/// }
/// assert!(bytes > 0);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn walk(path: impl AsRef<Path>) -> Walk {
    Walk { path: path.as_ref().to_owned(), follows: false, batches: None }
}

/// What [`walk`] returns.
pub struct Walk {
    path: PathBuf,
    follows: bool,
    batches: Option<Batches<Entry>>,
}

impl Walk {
    /// Follows symbolic links, too. For one that leads to a folder that it is in there is an error with its path, and the
    /// walk goes on behind it.
    ///
    /// ```
    /// use giambio::fs;
    ///
    /// # giambio::run(async {
    /// let mut rust = Vec::new();
    /// let mut walk = fs::walk("src").follow_links();
    /// while let Some(entry) = walk.next().await? {
    ///     if entry.path().extension().is_some_and(|extension| extension == "rs") {
    ///         rust.push(entry.into_path());
    ///     }
    /// }
    /// assert!(rust.iter().any(|path| path.ends_with("lib.rs")));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn follow_links(self) -> Walk {
        Walk { follows: true, ..self }
    }

    /// The next one; `None`: that was all.
    ///
    /// # Errors
    /// The system's, with the path: a folder that can't be opened, a link that leads nowhere. The walk goes on behind it.
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there is no thread to look; another call tries again.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "it waits")]
    pub fn next(&mut self) -> impl Future<Output = io::Result<Option<Entry>>> {
        poll_fn(|cx| {
            let Walk { path, follows, batches } = &mut *self;
            let batches = batches.get_or_insert_with(|| {
                Batches::new(Walker { levels: Vec::new(), next: Some(path.clone()), follows: *follows })
            });
            batches.poll_next(cx)
        })
    }
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The walk, on a thread.
struct Walker {
    levels: Vec<Level>,
    /// To be entered.
    next: Option<PathBuf>,
    follows: bool,
}

/// A folder that is being read.
struct Level {
    entries: fs::ReadDir,
    path: PathBuf,
    /// Where it really is; only if links are followed.
    real: Option<PathBuf>,
}

impl Walker {
    fn enter(&mut self, path: PathBuf) -> io::Result<()> {
        let real = match self.follows {
            true => Some(fs::canonicalize(&path).map_err(named("follow", &path))?),
            false => None,
        };
        if real.is_some() && self.levels.iter().any(|level| level.real == real) {
            let text = "this link leads to a folder that it is in, and would do so for ever";
            return Err(named("follow", &path)(io::Error::other(text)));
        }
        let entries = fs::read_dir(&path).map_err(named("open the folder", &path))?;
        self.levels.push(Level { entries, path, real });
        Ok(())
    }

    fn look_at(&mut self, entry: io::Result<fs::DirEntry>) -> io::Result<Entry> {
        let folder = self.levels.last().map(|level| level.path.as_path()).unwrap_or(Path::new(""));
        let path = entry.map_err(named("read the folder", folder))?;
        let mut kind = path.file_type().map_err(named("look at", &path.path()))?;
        let path = path.path();
        if self.follows && kind.is_symlink() {
            kind = fs::metadata(&path).map_err(named("follow", &path))?.file_type();
        }
        if kind.is_dir() {
            self.next = Some(path.clone());
        }
        Ok(Entry::new(path, kind, self.levels.len()))
    }
}

impl Iterator for Walker {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        loop {
            if is_abandoned() {
                return None;
            }
            if let Some(path) = self.next.take()
                && let Err(error) = self.enter(path)
            {
                return Some(Err(error));
            }
            match self.levels.last_mut()?.entries.next() {
                Some(entry) => return Some(self.look_at(entry)),
                None => drop(self.levels.pop()),
            }
        }
    }
}
