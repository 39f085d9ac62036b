//! The boards that firmware is tested on, under QEMU. `cargo xtask` builds the images first, and says where they are.

pub mod clients;
mod emulator;

use std::path::PathBuf;
use std::time::Duration;

pub use emulator::Emulator;

/// A board with a folder in `examples/bare-metal/boards`.
pub struct Board {
    pub name: &'static str,
    pub target: &'static str,
    emulator: &'static str,
    /// Its time comes by a tick: it wakes 1,000 times a second.
    pub ticks: bool,
    /// Its network card, if it has one: what comes before and after the network that it is in.
    network: Option<(&'static str, &'static str)>,
}

pub const MPS2_AN385: Board = Board {
    name: "mps2-an385",
    target: "thumbv7m-none-eabi",
    emulator: "qemu-system-arm -cpu cortex-m3 -machine mps2-an385",
    ticks: true,
    network: None,
};

pub const LM3S6965EVB: Board = Board {
    name: "lm3s6965evb",
    target: "thumbv7m-none-eabi",
    emulator: "qemu-system-arm -cpu cortex-m3 -machine lm3s6965evb",
    ticks: false,
    network: Some(("-nic", ",model=stellaris")),
};

pub const MICROBIT: Board = Board {
    name: "microbit",
    target: "thumbv6m-none-eabi",
    emulator: "qemu-system-arm -machine microbit",
    ticks: false,
    network: None,
};

pub const RISCV_VIRT: Board = Board {
    name: "riscv-virt",
    target: "riscv32imac-unknown-none-elf",
    emulator: "qemu-system-riscv32 -machine virt -bios none",
    ticks: false,
    network: Some(("-device virtio-net-device,netdev=n0 -global virtio-mmio.force-legacy=false -netdev", "")),
};

/// Virtual time: when the processor sleeps, it jumps to the next interrupt.
const JUMPS: &str = "-icount shift=4,sleep=off";

/// No firmware here needs a tenth of it.
const LIMIT: Duration = Duration::from_secs(60);

/// What `cargo xtask` builds into: a folder for each target.
pub fn images() -> PathBuf {
    let below = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/firmware").into();
    std::env::var_os("GIAMBIO_FIRMWARE").map_or_else(below, PathBuf::from)
}

impl Board {
    /// Where one of its programs is.
    pub fn image(&self, program: &str) -> PathBuf {
        images().join(self.target).join("release").join(program)
    }

    fn start(&self, program: &str, options: &str) -> Emulator {
        let image = self.image(program);
        assert!(image.exists(), "{} is not built: `cargo xtask step` does that", image.display());
        Emulator::start(&format!("{} {options}", self.emulator), &image, LIMIT)
    }

    /// Runs a program in real time.
    pub fn run(&self, program: &str) -> Emulator {
        self.start(program, "")
    }

    /// Runs a program in virtual time, which nobody else can keep up with.
    pub fn run_in_virtual_time(&self, program: &str) -> Emulator {
        self.start(program, JUMPS)
    }

    /// Runs a server, to which a port of this machine leads.
    pub fn serve(&self, program: &str, port: u16) -> Emulator {
        let (before, after) = self.network.expect("the board has a network card");
        let network = format!("{before} user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:1500{after}");
        self.start(program, &network)
    }

    /// Runs a program that needs nobody; these are the lines it prints, where `…` stands for anything.
    #[track_caller]
    pub fn prints(&self, program: &str, lines: &[&str]) {
        let (status, printed) = self.run_in_virtual_time(program).finish();
        let is_so =
            printed.len() == lines.len() && printed.iter().zip(lines).all(|(line, wanted)| is_like(line, wanted));
        let (printed, lines) = (printed.join("\n"), lines.join("\n"));
        assert!(status == 0 && is_so, "it ended with {status} and printed\n{printed}\ninstead of\n{lines}");
    }
}

/// Is it what the pattern says, where `…` stands for anything?
pub fn is_like(line: &str, pattern: &str) -> bool {
    match pattern.split_once('…') {
        None => line == pattern,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|line| {
            line.char_indices().map(|(at, _)| at).chain([line.len()]).any(|at| is_like(&line[at..], rest))
        }),
    }
}

/// How often a board slept, in a line that says so.
pub fn times(line: &str, before: &str) -> Option<u32> {
    line.strip_prefix(before)?.strip_suffix(" times")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn three_dots_stand_for_anything() {
        assert!(is_like("a 12 b 3 c", "a … b … c"));
        assert!(is_like("a  b 3 c", "a … b … c"));
        assert!(!is_like("a 12 b 3 d", "a … b … c"));
        assert!(is_like("", "…"));
        assert!(!is_like("ab", "a"));
    }
}
