//! How a program is started on Windows.

use std::os::windows::process::CommandExt;
use std::process::Command;

use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, CREATE_SUSPENDED};

use super::Spawn;

/// What only some systems know of.
#[derive(Debug, Default)]
pub(in crate::process) struct Settings {
    flags: u32,
}

impl Settings {
    /// It is in a group of its own, at which Ctrl+Break is pressed. What it starts must be in its job, so it begins when that has it.
    pub(in crate::process) fn settle(&self, command: &mut Command, is_group: bool) {
        let waits = if is_group { CREATE_SUSPENDED } else { 0 };
        command.creation_flags(self.flags | CREATE_NEW_PROCESS_GROUP | waits);
    }
}

/// # On Windows
impl Spawn {
    /// [Flags](https://learn.microsoft.com/windows/win32/procthread/process-creation-flags) of `CreateProcess`, as `CREATE_NO_WINDOW`, beside
    /// those that are set anyway. Flags that were set for the [`command`](Spawn::command) are not kept.
    ///
    /// A program that gets a console of its own, or none, can't be asked to end by Ctrl+Break.
    pub fn creation_flags(mut self, flags: u32) -> Spawn {
        self.settings.flags = flags;
        self
    }
}
