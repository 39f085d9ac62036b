//! Places in the file system.

use std::fs;
use std::path::{Path, PathBuf};

/// A path of a test's own, where nothing is before and after.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    /// Nothing is there.
    pub(crate) fn new(name: &str) -> Place {
        let place = Place(std::env::temp_dir().join(format!("giambio-{name}-{}", std::process::id())));
        clear(&place.0);
        place
    }

    /// An empty folder is there.
    pub(crate) fn folder(name: &str) -> Place {
        let place = Place::new(name);
        fs::create_dir(&place.0).unwrap();
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        clear(&self.0);
    }
}

fn clear(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
}
