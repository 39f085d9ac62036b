//! Builds the programs, each by itself: cargo would unite the features of what two peers share.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::Peers;

/// The folder `bench`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the driver is in bench/driver")
}

/// Where a program, or a library, is once it was built.
pub(crate) fn built(name: &str) -> PathBuf {
    // As cargo sees it, which we start where we are.
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    std::path::absolute(target.join("release").join(name)).expect("the current folder is known")
}

pub(crate) fn all(peers: &Peers) -> Result<(), String> {
    let mut packages = vec!["load", "alloc-count"];
    for (package, _) in peers.iter().flat_map(|peer| peer.micro.iter().chain(&peer.echo)) {
        if !packages.contains(package) {
            packages.push(package);
        }
    }
    packages.into_iter().try_for_each(|package| with_words(package, &[]))
}

/// One, with more words for cargo.
pub(crate) fn with_words(package: &str, words: &[&str]) -> Result<(), String> {
    eprintln!("building {package}");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--release", "--quiet", "--package", package]).args(words).arg("--manifest-path");
    match cargo.arg(root().join("Cargo.toml")).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{package} was not built: {status}")),
        Err(error) => Err(format!("cargo can't be started: {error}")),
    }
}
