//! A board under QEMU: what it says, what it is told, and an end in any case.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A running emulator; it ends with this at the latest. What goes wrong is a panic, with all that the board said.
pub struct Emulator {
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
    pub(crate) fn start(line: &str, firmware: &Path, limit: Duration) -> Emulator {
        const OPTIONS: &str = "-display none -monitor none -serial stdio -semihosting-config enable=on,target=native";
        println!("$ {line} {OPTIONS} -kernel {}", firmware.display());
        let mut words = line.split_whitespace();
        let program = words.next().expect("a command has a program");
        let mut command = Command::new(program);
        command.args(words).args(OPTIONS.split_whitespace()).arg("-kernel").arg(firmware);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
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
        Emulator { process, serial, output, pending: Vec::new(), console: Vec::new(), deadline }
    }

    /// Writes to the serial line.
    #[track_caller]
    pub fn send(&mut self, data: &[u8]) {
        let serial = self.serial.as_mut().expect("it is dropped at the end");
        if let Err(error) = serial.write_all(data).and_then(|()| serial.flush()) {
            self.complain(&error.to_string());
        }
    }

    /// Takes some output. False: there will be no more.
    #[track_caller]
    fn take(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Ok((true, data)) => self.pending.extend(data),
            Ok((false, data)) => self.console.extend(data),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => self.complain("its time is over"),
        }
        true
    }

    /// The next that comes from the serial line has to be this.
    #[track_caller]
    pub fn expect(&mut self, data: &[u8]) {
        while self.pending.len() < data.len() && self.take() {}
        if !self.pending.starts_with(data) {
            self.complain(&format!("expected \"{}\"", data.escape_ascii()));
        }
        self.pending.drain(..data.len());
    }

    /// All that comes from the serial line, until the end.
    #[track_caller]
    pub fn all_from_serial(&mut self) -> Vec<u8> {
        while self.take() {}
        std::mem::take(&mut self.pending)
    }

    /// The console has to say this sooner or later, a line of its own.
    #[track_caller]
    pub fn expect_line(&mut self, line: &str) {
        while !self.lines().iter().any(|said| said == line) {
            if !self.take() {
                self.complain(&format!("expected the line \"{line}\""));
            }
        }
    }

    /// What the console says first: so many lines at least.
    #[track_caller]
    pub fn first_lines(&mut self, count: usize) -> Vec<String> {
        while self.lines().len() < count {
            if !self.take() {
                self.complain(&format!("expected {count} lines"));
            }
        }
        self.lines()
    }

    fn lines(&self) -> Vec<String> {
        // The emulator has something to say of a SysTick that was not set up yet.
        const OF_THE_EMULATOR: &str = "Timer with period zero, disabling";
        let console = String::from_utf8_lossy(&self.console);
        console.lines().filter(|line| *line != OF_THE_EMULATOR).map(str::to_owned).collect()
    }

    /// Waits for the end: the exit status, and the lines of the console.
    #[track_caller]
    pub fn finish(mut self) -> (i32, Vec<String>) {
        while self.take() {}
        let status = self.process.wait().expect("it was not waited for yet");
        if !self.pending.is_empty() {
            self.complain("more came from the serial line than was expected");
        }
        let Some(code) = status.code() else { self.complain(&status.to_string()) };
        (code, self.lines())
    }

    /// A panic with all that is known.
    #[track_caller]
    fn complain(&self, what: &str) -> ! {
        panic!(
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
