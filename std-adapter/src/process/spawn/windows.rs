//! How a program is started on Windows.

use std::os::windows::process::CommandExt;
use std::process::Command;

use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, CREATE_SUSPENDED};

/// What only some systems know of.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Flags of `CreateProcess`, beside those that are set anyway.
    pub(crate) flags: u32,
}

impl Settings {
    /// It is in a group of its own, at which Ctrl+Break is pressed. What it starts must be in its job, so it begins when that
    /// has it.
    pub(crate) fn settle(&self, command: &mut Command, is_group: bool) {
        let waits = if is_group { CREATE_SUSPENDED } else { 0 };
        command.creation_flags(self.flags | CREATE_NEW_PROCESS_GROUP | waits);
    }
}
