//! A board under QEMU: what it says, what it is told, and an end in any case.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::machine;
use crate::shell::say;

/// A running emulator; it ends with this at the latest.
pub(crate) struct Emulator {
    process: Child,
    /// To the serial line.
    serial: Option<ChildStdin>,
    /// From the serial line (true), and from the debugger's console.
    output: Receiver<(bool, Vec<u8>)>,
    /// What came from the serial line and was not expected yet.
    pending: Vec<u8>,
    /// What came from the console.
    console: Vec<u8>,
    deadline: Instant,
}

impl Emulator {
    /// Starts a firmware; `line` is the emulator and its board.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn start(line: &str, more: &[String], firmware: &Path, limit: Duration) -> Result<Emulator, String> {
        const OPTIONS: &str = "-display none -monitor none -serial stdio -semihosting-config enable=on,target=native";
        let mut words = line.split_whitespace();
        let program = words.next().expect("a command has a program");
        let path = machine::emulator(program).ok_or_else(|| format!("{program} is not here"))?;
        let mut command = Command::new(path);
        command.envs(machine::environment());
        command.args(words).args(OPTIONS.split_whitespace()).args(more).arg("-kernel").arg(firmware);
        say(&format!("$ {line} {OPTIONS} {} -kernel {}", more.join(" "), firmware.display()));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let (sender, output) = channel();
        let streams: [(bool, Box<dyn Read + Send>); 2] = [
            (true, Box::new(process.stdout.take().expect("it was piped"))),
            (false, Box::new(process.stderr.take().expect("it was piped"))),
        ];
        for (is_serial, mut stream) in streams {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if sender.send((is_serial, buffer[..count].to_vec())).is_err() {
                        break;
                    }
                }
            });
        }
        let serial = process.stdin.take();
        let deadline = Instant::now() + limit;
        Ok(Emulator { process, serial, output, pending: Vec::new(), console: Vec::new(), deadline })
    }

    /// Writes to the serial line.
    pub(crate) fn send(&mut self, data: &[u8]) -> Result<(), String> {
        let serial = self.serial.as_mut().expect("it is dropped at the end");
        serial.write_all(data).and_then(|()| serial.flush()).map_err(|error| self.complain(&error.to_string()))
    }

    /// Takes some output. False: there will be no more.
    fn take(&mut self) -> Result<bool, String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Ok((true, data)) => self.pending.extend(data),
            Ok((false, data)) => self.console.extend(data),
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
            Err(RecvTimeoutError::Timeout) => return Err(self.complain("its time is over")),
        }
        Ok(true)
    }

    /// The next that comes from the serial line has to be this.
    pub(crate) fn expect(&mut self, data: &[u8]) -> Result<(), String> {
        while self.pending.len() < data.len() && self.take()? {}
        if !self.pending.starts_with(data) {
            return Err(self.complain(&format!("expected \"{}\"", data.escape_ascii())));
        }
        self.pending.drain(..data.len());
        Ok(())
    }

    /// All that comes from the serial line, until the end.
    pub(crate) fn all_from_serial(&mut self) -> Result<Vec<u8>, String> {
        while self.take()? {}
        Ok(std::mem::take(&mut self.pending))
    }

    /// The console has to say this sooner or later, a line of its own.
    pub(crate) fn expect_line(&mut self, line: &str) -> Result<(), String> {
        while !self.lines().iter().any(|said| said == line) {
            if !self.take()? {
                return Err(self.complain(&format!("expected the line \"{line}\"")));
            }
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        // The emulator has something to say of a SysTick that was not set up yet.
        const OF_THE_EMULATOR: &str = "Timer with period zero, disabling";
        let console = String::from_utf8_lossy(&self.console);
        console.lines().filter(|line| *line != OF_THE_EMULATOR).map(str::to_owned).collect()
    }

    /// Waits for the end: the exit status, and the lines of the console.
    pub(crate) fn finish(mut self) -> Result<(i32, Vec<String>), String> {
        while self.take()? {}
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if !self.pending.is_empty() {
            return Err(self.complain("more came from the serial line than was expected"));
        }
        let code = status.code().ok_or_else(|| self.complain(&status.to_string()))?;
        Ok((code, self.lines()))
    }

    /// An error with all that is known.
    pub(crate) fn complain(&self, what: &str) -> String {
        format!(
            "{what}; the serial line holds \"{}\"; the console said:\n{}",
            self.pending.escape_ascii(),
            self.lines().join("\n"),
        )
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
