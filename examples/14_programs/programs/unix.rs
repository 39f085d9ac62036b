//! Unix has them.

use std::io;

use giambio::process::Spawn;

pub(crate) fn program(name: &str) -> Spawn {
    Spawn::new(name)
}

pub(crate) fn is_one_itself() -> io::Result<bool> {
    Ok(false)
}
