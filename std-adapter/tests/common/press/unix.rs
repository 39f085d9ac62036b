//! On Unix, Ctrl+C is a signal.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

/// Programs are started as they are.
pub(crate) fn with_a_keyboard(command: &mut Command) -> &mut Command {
    command
}

/// Presses Ctrl+C at a program.
pub(crate) fn press(child: &mut Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Did Ctrl+C end the program, unhandled?
pub(crate) fn was_killed(ended: ExitStatus) -> bool {
    ended.signal() == Some(2)
}
