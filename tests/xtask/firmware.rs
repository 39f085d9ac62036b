//! Bare metal: the examples and the core's own tests, built for the boards and run in an emulator.

use std::path::PathBuf;
use std::time::Duration;

use crate::clients;
use crate::emulator::Emulator;
use crate::machine::{self, Compiler};
use crate::shell::{self, Shell, root, say};
use crate::steps::FIRMWARE;

/// A board with a folder in `examples/bare-metal/boards`.
pub(crate) struct Board {
    name: &'static str,
    target: &'static str,
    emulator: &'static str,
    /// Its time comes by a tick: it wakes 1,000 times a second.
    ticks: bool,
    /// Its network card, if it has one: what comes before and after the network that it is in.
    network: Option<(&'static str, &'static str)>,
}

pub(crate) const BOARDS: [Board; 4] = [
    Board {
        name: "mps2-an385",
        target: "thumbv7m-none-eabi",
        emulator: "qemu-system-arm -cpu cortex-m3 -machine mps2-an385",
        ticks: true,
        network: None,
    },
    Board {
        name: "lm3s6965evb",
        target: "thumbv7m-none-eabi",
        emulator: "qemu-system-arm -cpu cortex-m3 -machine lm3s6965evb",
        ticks: false,
        network: Some(("-nic", ",model=stellaris")),
    },
    Board {
        name: "microbit",
        target: "thumbv6m-none-eabi",
        emulator: "qemu-system-arm -machine microbit",
        ticks: false,
        network: None,
    },
    Board {
        name: "riscv-virt",
        target: "riscv32imac-unknown-none-elf",
        emulator: "qemu-system-riscv32 -machine virt -bios none",
        ticks: false,
        network: Some(("-device virtio-net-device,netdev=n0 -global virtio-mmio.force-legacy=false -netdev", "")),
    },
];

/// Virtual time: when the processor sleeps, it jumps to the next interrupt.
const JUMPS: &str = "-icount shift=4,sleep=off";

/// No firmware here needs a tenth of it.
const LIMIT: Duration = Duration::from_secs(60);

/// How long the server is left alone.
const IDLE: Duration = Duration::from_secs(8);

const TESTS: &str = "tests/firmware/Cargo.toml";

/// The packages outside of the workspace.
pub(crate) const MANIFESTS: [&str; 4] = [EXAMPLES, TESTS, "tests/defmt/Cargo.toml", BENCH];

const BENCH: &str = "bench/embedded/giambio/Cargo.toml";

const EXAMPLES: &str = "examples/bare-metal/Cargo.toml";

/// Where the builds go, all in one folder.
fn target_folder() -> PathBuf {
    root().join(shell::target_folder(FIRMWARE))
}

/// A build for a bare-metal target, with the linker that comes with the toolchain.
fn build(manifest: &str, target: &str, what: &str) -> Result<Shell, String> {
    cargo("build", manifest, target, what)
}

fn cargo(command: &str, manifest: &str, target: &str, what: &str) -> Result<Shell, String> {
    let with = machine::bare_metal().ok_or("no compiler for it")?;
    let mut cargo = Shell::new(&format!("cargo {command} --release --locked --manifest-path"))
        .arg(manifest)
        .args(&format!("--target {target} {what}"))
        .own_target(FIRMWARE)
        .env("RUSTFLAGS", "-Dwarnings");
    if let Compiler::FromSources = with {
        let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
        cargo = machine::from_sources(cargo.args("-Zbuild-std=core,alloc")).env(&linker, &machine::rust_lld()?);
    }
    Ok(PROFILE.iter().fold(cargo, |cargo, (name, value)| cargo.env(&format!("CARGO_PROFILE_RELEASE_{name}"), value)))
}

/// That of the examples, for all: so the standard library's core is built once for each target.
const PROFILE: [(&str, &str); 5] =
    [("OPT_LEVEL", "s"), ("LTO", "fat"), ("CODEGEN_UNITS", "1"), ("PANIC", "abort"), ("DEBUG", "line-tables-only")];

/// Builds the core with some features, for each target.
pub(crate) fn core(features: &str) -> Result<(), String> {
    for target in machine::BARE_METAL {
        let what = format!("-p giambio-core --no-default-features --features={features}");
        build("Cargo.toml", target, &what)?.run()?;
    }
    Ok(())
}

/// Clippy looks at all firmware of ours.
pub(crate) fn lints() -> Result<(), String> {
    for board in &BOARDS {
        lint(EXAMPLES, board.target, &format!("-p {}", board.name))?;
    }
    for target in machine::BARE_METAL {
        lint(TESTS, target, "")?;
    }
    lint(BENCH, BOARDS[0].target, "")
}

/// Clippy must be that of the compiler.
fn lint(manifest: &str, target: &str, what: &str) -> Result<(), String> {
    match machine::bare_metal() {
        Some(Compiler::FromSources) => {
            cargo("check", manifest, target, what)?.env("RUSTC_WORKSPACE_WRAPPER", machine::DEBIANS_CLIPPY).run()
        }
        _ => cargo("clippy", manifest, target, what)?.run(),
    }
}

impl Board {
    fn run(&self, program: &str, options: &str) -> Result<Emulator, String> {
        let options: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        let firmware = target_folder().join(self.target).join("release").join(program);
        Emulator::start(self.emulator, &options, &firmware, LIMIT)
    }

    /// Runs a program that needs nobody; these are the lines it prints, where `…` stands for anything.
    fn prints(&self, program: &str, lines: &[&str]) -> Result<(), String> {
        let emulator = self.run(program, JUMPS)?;
        let (status, printed) = emulator.finish()?;
        let is_so =
            printed.len() == lines.len() && printed.iter().zip(lines).all(|(line, wanted)| is_like(line, wanted));
        if status == 0 && is_so {
            return Ok(());
        }
        Err(format!(
            "{program} on {} ended with {status} and printed\n{}\ninstead of\n{}",
            self.name,
            printed.join("\n"),
            lines.join("\n")
        ))
    }
}

fn is_like(line: &str, pattern: &str) -> bool {
    match pattern.split_once('…') {
        None => line == pattern,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|line| {
            line.char_indices().map(|(at, _)| at).chain([line.len()]).any(|at| is_like(&line[at..], rest))
        }),
    }
}

/// The core's conformance cases, on a board of each target.
pub(crate) fn tests() -> Result<(), String> {
    let mut first: Option<Vec<String>> = None;
    for board in BOARDS.iter().filter(|board| board.name != "lm3s6965evb") {
        build(TESTS, board.target, "")?.run()?;
        let (status, printed) = board.run("conformance", JUMPS)?.finish()?;
        let passed: Vec<String> = printed.iter().filter(|line| line.ends_with(" ... ok")).cloned().collect();
        passed.iter().for_each(|line| say(&format!("{}: {line}", board.target)));
        if status != 0 || printed.last() != Some(&format!("{} passed", passed.len())) || passed.is_empty() {
            return Err(format!(
                "conformance on {} ended with {status} and printed\n{}",
                board.name,
                printed.join("\n")
            ));
        }
        say(&format!("test result: {} passed; 0 failed", passed.len()));
        if first.get_or_insert_with(|| passed.clone()) != &passed {
            return Err(format!("{} ran other cases than {}", board.name, BOARDS[0].name));
        }
    }
    Ok(())
}

/// The programs of `examples/bare-metal`, each on each board.
pub(crate) fn examples() -> Result<(), String> {
    for board in &BOARDS {
        // Boards of one target build into one folder, so each runs before the next is built.
        build(EXAMPLES, board.target, &format!("-p {}", board.name))?.run()?;
        blinky(board)?;
        siblings(board)?;
        timeouts(board)?;
        interrupt(board)?;
        embassy(board)?;
        serial(board)?;
        echo(board)?;
        if board.name == LOGS {
            log(board)?;
        }
        if let Some(network) = board.network {
            tcp(board, network).map_err(|error| format!("tcp on {}: {error}", board.name))?;
        }
    }
    Ok(())
}

fn blinky(board: &Board) -> Result<(), String> {
    let (status, mut printed) = board.run("blinky", JUMPS)?.finish()?;
    let slept = printed.pop().and_then(|line| line.strip_prefix("slept ")?.strip_suffix(" times")?.parse::<u32>().ok());
    let mut wanted: Vec<String> = Vec::new();
    for (led, period) in [(0, 200), (1, 500)] {
        for beat in 1..=10 {
            wanted.push(format!("{} ms: LED {led} {}", beat * period, if beat % 2 == 1 { "on" } else { "off" }));
        }
    }
    // What happens in the same millisecond may happen in any order.
    let millis = |line: &String| line.split(' ').next().and_then(|number| number.parse::<u32>().ok());
    if !printed.is_sorted_by_key(millis) {
        return Err(format!("blinky on {}: the time runs backwards\n{}", board.name, printed.join("\n")));
    }
    printed.sort();
    wanted.sort();
    if status != 0 || printed != wanted {
        return Err(format!("blinky on {} ended with {status} and printed\n{}", board.name, printed.join("\n")));
    }
    // 18 deadlines that differ, each of which may need a second look.
    let sleeps = if board.ticks { 4_900..=5_100 } else { 18..=36 };
    match slept {
        Some(slept) if sleeps.contains(&slept) => Ok(()),
        _ => Err(format!("blinky on {} slept {slept:?} times, not {sleeps:?}", board.name)),
    }
}

fn siblings(board: &Board) -> Result<(), String> {
    let lines = ["motor on", "too hot", "motor slows down", "motor off", "stopped: the pump has 81 degrees"];
    board.prints("siblings", &lines)
}

fn timeouts(board: &Board) -> Result<(), String> {
    let lines = ["moved on", "failed: timed out after 10ms", "page written", "given up"];
    board.prints("timeouts", &lines)
}

fn interrupt(board: &Board) -> Result<(), String> {
    let lines = ["100 samples, their sum is 4950", "too slow: 8 samples wait, and some were lost"];
    board.prints("interrupt", &lines)
}

fn embassy(board: &Board) -> Result<(), String> {
    let lines =
        ["reading 1", "reading 2", "reading 3", "reading 4", "reading 5", "silence, after readings that add up to 15"];
    board.prints("embassy", &lines)
}

/// The board whose program `log` is built.
const LOGS: &str = "mps2-an385";

/// Where the program is built that reads its log.
pub(crate) const LOG_READER: &str = "defmt";

/// What the debugger's events look like, sent by `defmt` and made readable again.
fn log(board: &Board) -> Result<(), String> {
    build(EXAMPLES, board.target, &format!("-p {} --features defmt --bin log", board.name))?
        .env("DEFMT_LOG", "trace")
        .run()?;
    let mut emulator = board.run("log", JUMPS)?;
    let log = target_folder().join("log.defmt");
    std::fs::write(&log, emulator.all_from_serial()?).map_err(|error| format!("{}: {error}", log.display()))?;
    let (status, _) = emulator.finish()?;
    let lines = Shell::new("cargo run --quiet --locked --manifest-path tests/defmt/Cargo.toml --")
        .arg(target_folder().join(board.target).join("release/log"))
        .arg(&log)
        .own_target(LOG_READER)
        .output()
        .ok_or("the log can't be read")?;
    let wanted = [
        "info started",
        "trace 'main' (main): runs",
        "info 'motor' (task …): spawned",
        "info 'watch' (task …): spawned",
        "trace 'motor' (task …): sleeps for 60001000 us",
        "trace 'watch' (task …): slept for … us",
        "warn 'watch' (task …): failed with log::Broken (first)",
        "info 'watch' (task …): exited",
        "info 'motor' (task …): was cancelled",
        "error the machine is broken",
        "warn timed out after 5000 us",
        "info finished",
    ];
    // These, in this order, with others in between.
    let mut rest = lines.lines();
    match wanted.iter().find(|wanted| !rest.any(|line| is_like(line, wanted))) {
        None if status == 0 => Ok(()),
        missing => Err(format!("log on {} ended with {status} without {missing:?}:\n{lines}", board.name)),
    }
}

/// Bytes come back one by one; in between, the processor sleeps.
fn serial(board: &Board) -> Result<(), String> {
    let mut emulator = board.run("serial", "")?;
    emulator.expect_line("echoing")?;
    let every: Vec<u8> = (0..=255).filter(|byte| *byte != 4).collect();
    // So long that a board on a busy machine finds the time to fall asleep, twice in four times at least.
    let pause = || std::thread::sleep(Duration::from_millis(100));
    for data in [&b"hello"[..], b"\n", &every] {
        pause();
        emulator.send(data)?;
        emulator.expect(data)?;
    }
    pause();
    emulator.send(&[4])?;
    let (status, printed) = emulator.finish()?;
    let slept = printed
        .last()
        .and_then(|line| line.strip_prefix("261 bytes came back; slept ")?.strip_suffix(" times")?.parse::<u32>().ok());
    match slept {
        Some(2..) if status == 0 => Ok(()),
        _ => Err(format!("serial on {} ended with {status} and printed\n{}", board.name, printed.join("\n"))),
    }
}

/// The tutorial's conversation, word for word.
fn echo(board: &Board) -> Result<(), String> {
    let welcome = b"Welcome to the server pal, feel free to send me something!\n-> ";
    let mut emulator = board.run("echo", "")?;
    emulator.expect(welcome)?;
    emulator.send(b"async server test\n")?;
    emulator.expect(b"Got: async server test\n-> ")?;
    let long = vec![b'x'; 1500]; // more than is answered at once
    emulator.send(&long)?;
    emulator.expect(&[b"Got: ", &long[..1024], b"-> "].concat())?;
    emulator.send(b"\n")?;
    emulator.expect(&[b"Got: ", &long[1024..], b"\n-> "].concat())?;
    emulator.send(&[4])?; // Ctrl+D
    emulator.expect(welcome)?;
    emulator.send(b"exit\n")?;
    emulator.expect(b"Shutting down the server\n")?;
    let (status, printed) = emulator.finish()?;
    for line in [
        "[INFO] Got: b'async server test\\n' from the serial line",
        "[INFO] Echoed back b'async server test\\n' to the serial line",
        "[INFO] Connection from the serial line closed",
        "[ERROR] Exiting due to a shutdown request from the serial line",
    ] {
        if !printed.iter().any(|said| said == line) {
            return Err(format!("echo on {} did not say \"{line}\", but\n{}", board.name, printed.join("\n")));
        }
    }
    if status == 1 { Ok(()) } else { Err(format!("echo on {} ended with {status}", board.name)) }
}

/// The same server with sockets, for real clients: through a port of this machine that the emulator forwards.
fn tcp(board: &Board, (before, after): (&str, &str)) -> Result<(), String> {
    let port = clients::free_port()?;
    let network = format!("{before} user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:1500{after}");
    let mut emulator = board.run("tcp", &network)?;
    emulator.expect_line("[INFO] Serving asynchronously at 10.0.2.15:1500")?;
    clients::talk(port)?;
    clients::break_off(port, 200)?;
    for _ in 0..100 {
        clients::talk(port)?;
    }
    clients::send_much(port, 1 << 20)?;
    clients::end(port)?;
    the_server_exits(emulator)?;

    // With nobody there it wakes about once a second. A conversation takes some wakes as well.
    let mut emulator = board.run("tcp", &network)?;
    emulator.expect_line("[INFO] Serving asynchronously at 10.0.2.15:1500")?;
    std::thread::sleep(IDLE);
    clients::end(port)?;
    let sleeps = the_server_exits(emulator)?;
    say(&format!("{} slept {sleeps} times, in {} s and a conversation", board.name, IDLE.as_secs()));
    if sleeps <= IDLE.as_secs() as u32 + 15 { Ok(()) } else { Err("that is not idle".to_owned()) }
}

/// How often it slept.
fn the_server_exits(emulator: Emulator) -> Result<u32, String> {
    let (status, printed) = emulator.finish()?;
    if let [.., slept, last] = &printed[..]
        && status == 1
        && last.starts_with("[ERROR] Exiting due to a shutdown request from 10.0.2.2:")
        && let Some(times) = slept.strip_prefix("[INFO] slept ").and_then(|rest| rest.strip_suffix(" times"))
        && let Ok(times) = times.parse()
    {
        return Ok(times);
    }
    Err(format!("the server ended with {status} and printed\n{}", printed.join("\n")))
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
