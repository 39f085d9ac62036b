//! What the debugger's events look like, sent by `defmt` and made readable again.

use std::fs;

use defmt_decoder::{DecodeError, Table};
use giambio_board_tests::{MPS2_AN385, is_like};

/// Each message of a binary log as a line, after its level.
fn readable(firmware: &[u8], log: &[u8]) -> Vec<String> {
    let table = Table::parse(firmware).unwrap().expect("the firmware has texts for defmt");
    let mut decoder = table.new_stream_decoder();
    decoder.received(log);
    let mut lines = Vec::new();
    loop {
        match decoder.decode() {
            Ok(frame) => {
                let level = frame.level().map_or("-", |level| level.as_str());
                lines.push(format!("{level} {}", frame.display_message()));
            }
            Err(DecodeError::UnexpectedEof) => return lines,
            Err(DecodeError::Malformed) => panic!("the log is damaged after\n{}", lines.join("\n")),
        }
    }
}

#[test]
fn a_debugger_logs_by_defmt_what_the_tasks_do() {
    let mut emulator = MPS2_AN385.run_in_virtual_time("log");
    let log = emulator.all_from_serial();
    let (status, _) = emulator.finish();
    let lines = readable(&fs::read(MPS2_AN385.image("log")).unwrap(), &log);
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
    let mut rest = lines.iter();
    let missing = wanted.iter().find(|wanted| !rest.any(|line| is_like(line, wanted)));
    assert!(status == 0 && missing.is_none(), "it ended with {status} without {missing:?}:\n{}", lines.join("\n"));
}
