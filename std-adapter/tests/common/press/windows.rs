//! On Windows, Ctrl+C is an event that a console has for all programs attached to it.

use std::env;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Foundation::STATUS_CONTROL_C_EXIT;
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_C_EVENT, FreeConsole, GenerateConsoleCtrlEvent, SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

use crate::itself::itself;

/// Programs get a console each, so that a key pressed there is for them alone.
pub(crate) fn with_a_keyboard(command: &mut Command) -> &mut Command {
    command.creation_flags(CREATE_NO_WINDOW)
}

/// Presses Ctrl+C at a program. It takes a process that leaves its own console for the program's, and that is this
/// test program, started once more. A program that is ending already has no console any more.
pub(crate) fn press(child: &mut Child) {
    let mut presser = itself();
    presser.args(["press::presses_ctrl_c_elsewhere", "--exact"]).env("PRESS_CTRL_C_AT", child.id().to_string());
    let pressed = presser.output().unwrap();
    let said = String::from_utf8_lossy(&pressed.stdout);
    if pressed.status.success() && said.contains("1 passed") {
        return;
    }
    for _ in 0..1000 {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{said}");
}

/// The other half of `press`; does nothing in a test run of its own.
#[test]
fn presses_ctrl_c_elsewhere() {
    let Ok(process) = env::var("PRESS_CTRL_C_AT") else { return };
    let process = process.parse().unwrap();
    // SAFETY: these calls have no contracts but for the handler, and there is none: we ourselves ignore the key.
    unsafe {
        FreeConsole();
        assert_ne!(AttachConsole(process), 0, "{}", std::io::Error::last_os_error());
        assert_ne!(SetConsoleCtrlHandler(None, 1), 0, "{}", std::io::Error::last_os_error());
        assert_ne!(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0), 0, "{}", std::io::Error::last_os_error());
    }
}

/// Did Ctrl+C end the program, unhandled? Wine says 0, as of one that ended by itself; those asked about here can't.
pub(crate) fn was_killed(ended: ExitStatus) -> bool {
    matches!(ended.code(), Some(STATUS_CONTROL_C_EXIT | 0))
}
