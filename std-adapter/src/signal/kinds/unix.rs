//! The signals of Unix, by names; and sets of them as a signal handler wants them.

use super::{Set, Signal, signals};
use crate::sys::signals::FIRST_SIGNAL;

signals! {
    INT = libc::SIGINT, "SIGINT", "Ctrl+C.";
    TERM = libc::SIGTERM, "SIGTERM", "The program is asked to end: by `kill`, an init system, a container's runtime.";
    HUP = libc::SIGHUP, "SIGHUP", "The terminal has gone. For a daemon, by custom: read the configuration again.";
    QUIT = libc::SIGQUIT, "SIGQUIT", "Ctrl+\\\\: end, and leave a core dump.";
    KILL = libc::SIGKILL, "SIGKILL", "Ends a process at once. It can be sent, and not watched for.";
    STOP = libc::SIGSTOP, "SIGSTOP", "Halts a process. It can be sent, and not watched for.";
    CONT = libc::SIGCONT, "SIGCONT", "A process that was halted goes on.";
    TSTP = libc::SIGTSTP, "SIGTSTP", "Ctrl+Z.";
    TTIN = libc::SIGTTIN, "SIGTTIN", "A process in the background reads from the terminal.";
    TTOU = libc::SIGTTOU, "SIGTTOU", "A process in the background writes to the terminal.";
    USR1 = libc::SIGUSR1, "SIGUSR1", "What the program says that it means.";
    USR2 = libc::SIGUSR2, "SIGUSR2", "What the program says that it means.";
    CHLD = libc::SIGCHLD, "SIGCHLD", "A child has ended, or was halted.";
    ALRM = libc::SIGALRM, "SIGALRM", "The alarm clock of `alarm`.";
    PIPE = libc::SIGPIPE, "SIGPIPE", "Something was sent to a pipe that nobody receives from. Programs in Rust ignore it.";
    WINCH = libc::SIGWINCH, "SIGWINCH", "The terminal has another size.";
    ABRT = libc::SIGABRT, "SIGABRT", "The program gives up: `abort`.";
    SEGV = libc::SIGSEGV, "SIGSEGV", "The program has used memory that it has not. It can't be watched for.";
    BUS = libc::SIGBUS, "SIGBUS", "The program has used memory that is not there. It can't be watched for.";
    FPE = libc::SIGFPE, "SIGFPE", "The program has divided by zero, or the like. It can't be watched for.";
    ILL = libc::SIGILL, "SIGILL", "The program is no program where it has come to. It can't be watched for.";
}

/// As two words: not every system has larger atomics.
impl Set {
    pub(crate) fn words(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }

    /// In which of the words a signal is, and its bit there.
    pub(crate) fn place(signal: i32) -> Option<(usize, u32)> {
        let at = usize::try_from(signal.checked_sub(FIRST_SIGNAL)?).ok().filter(|at| *at < 64)?;
        Some((at / 32, 1 << (at % 32)))
    }

    /// The first of those in a word, of the two.
    pub(crate) fn first_of(word: usize, bits: u32) -> Option<Signal> {
        (bits != 0).then(|| Signal(word as i32 * 32 + bits.trailing_zeros().cast_signed() + FIRST_SIGNAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_its_words_have_the_same() {
        let all = [Signal(1), Signal::INT, Signal::TERM, Signal(32), Signal(33), Signal(64)];
        let set = Set::of(all).unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), all);
        for number in 1..=64 {
            let (word, bit) = Set::place(number).unwrap();
            assert_eq!(set.words()[word] & bit != 0, all.contains(&Signal(number)), "{number}");
            assert_eq!(Set::first_of(word, bit), Some(Signal(number)));
        }
        for number in [i32::MIN, -1, 0, 65, i32::MAX] {
            assert_eq!(Set::of([Signal::INT, Signal(number)]), Err(Signal(number)));
            assert_eq!(Set::place(number), None);
        }
    }
}
