//! How a program is started on Unix.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// What only some systems know of: here nothing.
#[derive(Debug, Default)]
pub(crate) struct Settings(());

impl Settings {
    pub(crate) fn settle(&self, command: &mut Command, is_group: bool) {
        if is_group {
            command.process_group(0);
        }
    }
}
