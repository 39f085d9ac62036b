//! A test program that starts itself once more.
#![allow(dead_code, reason = "each program uses a part")]

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::Command;

/// This program, as it was started.
pub(crate) fn itself() -> Command {
    let words = words_of_itself();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// What starts this program: its path, behind an emulator's if the environment names one.
pub(crate) fn words_of_itself() -> Vec<OsString> {
    let program = env::current_exe().unwrap().into();
    env::var_os("GIAMBIO_RUNNER").into_iter().chain([program]).collect()
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
