//! A test program that starts itself once more.
#![allow(dead_code, reason = "each program uses a part")]

use std::env;
use std::ffi::OsString;
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
