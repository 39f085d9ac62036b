//! Files to read, gone at the end.

use std::fs;
use std::path::PathBuf;

/// Files of 1 KiB.
pub(crate) const SMALL_FILES: u64 = 10_000;
pub(crate) const SMALL: usize = 1024;
pub(crate) const LARGE: usize = 64 << 20;

/// A folder of this process.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        let folder = std::env::temp_dir().join(format!("giambio-bench-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }

    pub(crate) fn large_file(&self) -> PathBuf {
        let path = self.0.join("large");
        fs::write(&path, vec![7; LARGE]).unwrap();
        path
    }

    pub(crate) fn small_files(&self) -> Vec<PathBuf> {
        let make = |number| {
            let path = self.0.join(format!("{number}"));
            fs::write(&path, [7; SMALL]).unwrap();
            path
        };
        (0..SMALL_FILES).map(make).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
