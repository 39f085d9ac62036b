//! A test program that starts itself once more.

use std::env;
use std::io;
use std::process::Command;

/// This program, as it was started: by an emulator, if the environment names one.
pub(crate) fn itself() -> Command {
    let program = env::current_exe().unwrap();
    match env::var_os("GIAMBIO_RUNNER") {
        None => Command::new(program),
        Some(runner) => {
            let mut command = Command::new(runner);
            command.arg(program);
            command
        }
    }
}

/// What a program says when it has ended, or the program, whichever `start` returns. In Wine a program now and then dies before
/// its first instruction, which its starter is told as an internal error; then it is started again.
pub(crate) fn started<T>(mut start: impl FnMut() -> io::Result<T>) -> T {
    const INTERNAL_ERROR: i32 = 1359;
    let mut again = 3;
    loop {
        match start() {
            Err(error) if cfg!(windows) && again > 0 && error.raw_os_error() == Some(INTERNAL_ERROR) => again -= 1,
            result => return result.unwrap(),
        }
    }
}
