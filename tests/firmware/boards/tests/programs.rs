//! The programs of `examples/bare-metal`, each on each board: what firmware prints, and what its clients hear.

use std::thread::sleep;
use std::time::Duration;

use giambio_board_tests::{Board, Emulator, LM3S6965EVB, MICROBIT, MPS2_AN385, RISCV_VIRT, clients, times};

/// Makes tests on a board of functions below.
macro_rules! tests {
    ($board:ident: $($test:ident)*) => {
        $(#[test]
        fn $test() {
            super::$test(&super::$board);
        })*
    };
}

macro_rules! each_program {
    ($board:ident) => {
        tests! { $board:
            two_lights_blink_each_to_its_beat
            a_failing_sibling_stops_the_motor
            what_takes_too_long_is_given_up_and_what_is_shielded_is_not
            samples_of_an_interrupt_are_added_up_and_some_are_lost_when_it_is_too_fast
            embassys_timers_work_in_a_nursery
            the_ported_light_blinks_as_its_page_says
            the_ported_serial_line_sends_back_what_it_receives
            bytes_come_back_from_the_serial_line_and_it_sleeps_in_between
            the_tutorials_conversation_goes_by_the_serial_line
        }
    };
}

/// On a Cortex-M3.
macro_rules! the_desktops_programs {
    ($board:ident) => {
        tests! { $board:
            who_is_too_fast_in_a_row_of_tasks_waits
            workers_that_fail_are_begun_anew_and_what_they_did_stays
        }
    };
}

macro_rules! the_server {
    ($board:ident) => {
        tests! { $board:
            clients_are_served_whether_they_talk_or_break_off_or_send_a_megabyte
            a_server_without_clients_sleeps
        }
    };
}

mod mps2_an385 {
    each_program! { MPS2_AN385 }
    the_desktops_programs! { MPS2_AN385 }
}

mod lm3s6965evb {
    each_program! { LM3S6965EVB }
    the_desktops_programs! { LM3S6965EVB }
    the_server! { LM3S6965EVB }
}

mod microbit {
    each_program! { MICROBIT }
}

mod riscv_virt {
    each_program! { RISCV_VIRT }
    the_server! { RISCV_VIRT }
}

fn two_lights_blink_each_to_its_beat(board: &Board) {
    let (status, mut printed) = board.run_in_virtual_time("blinky").finish();
    let slept = printed.pop().and_then(|line| times(&line, "slept "));
    let mut wanted: Vec<String> = Vec::new();
    for (led, period) in [(0, 200), (1, 500)] {
        for beat in 1..=10 {
            wanted.push(format!("{} ms: LED {led} {}", beat * period, if beat % 2 == 1 { "on" } else { "off" }));
        }
    }
    // What happens in the same millisecond may happen in any order.
    let millis = |line: &String| line.split(' ').next().and_then(|number| number.parse::<u32>().ok());
    assert!(printed.is_sorted_by_key(millis), "the time runs backwards\n{}", printed.join("\n"));
    printed.sort();
    wanted.sort();
    assert_eq!((status, printed), (0, wanted));
    // 18 deadlines that differ, each of which may need a second look.
    let sleeps = if board.ticks { 4_900..=5_100 } else { 18..=36 };
    assert!(slept.is_some_and(|slept| sleeps.contains(&slept)), "it slept {slept:?} times, not {sleeps:?}");
}

fn a_failing_sibling_stops_the_motor(board: &Board) {
    let lines = ["motor on", "too hot", "motor slows down", "motor off", "stopped: the pump has 81 degrees"];
    board.prints("siblings", &lines);
}

fn what_takes_too_long_is_given_up_and_what_is_shielded_is_not(board: &Board) {
    board.prints("timeouts", &["moved on", "failed: timed out after 10ms", "page written", "given up"]);
}

/// What the desktop's program of the same tasks says of itself.
fn says_as_on_a_desktop(board: &Board, program: &str, source: &str) {
    let lines = source.lines().skip_while(|line| *line != "//! ```text").skip(1);
    let lines = lines.take_while(|line| *line != "//! ```").filter_map(|line| line.strip_prefix("//! "));
    board.prints(program, &lines.collect::<Vec<_>>());
}

fn who_is_too_fast_in_a_row_of_tasks_waits(board: &Board) {
    says_as_on_a_desktop(board, "pipeline", include_str!("../../../../examples/08_pipeline.rs"));
}

fn workers_that_fail_are_begun_anew_and_what_they_did_stays(board: &Board) {
    says_as_on_a_desktop(board, "supervised", include_str!("../../../../examples/10_supervised_workers.rs"));
}

fn samples_of_an_interrupt_are_added_up_and_some_are_lost_when_it_is_too_fast(board: &Board) {
    let lines = ["100 samples, their sum is 4950", "too slow: 8 samples wait, and some were lost"];
    board.prints("interrupt", &lines);
}

fn embassys_timers_work_in_a_nursery(board: &Board) {
    let lines =
        ["reading 1", "reading 2", "reading 3", "reading 4", "reading 5", "silence, after readings that add up to 15"];
    board.prints("embassy", &lines);
}

const PAGE_OF_THE_PORT: &str = include_str!("../../../../docs/coming-from/embassy.md");

/// It blinks for ever, every 400 ms until the button is pressed, and then every 200.
fn the_ported_light_blinks_as_its_page_says(board: &Board) {
    let change = |line: &str| -> Option<(u32, bool)> {
        let (at, light) = line.trim_start().split_once(" ms: ")?;
        Some((at.parse().ok()?, light == "on"))
    };
    let shown: Vec<_> = PAGE_OF_THE_PORT.lines().filter_map(change).collect();
    let printed = board.run_in_virtual_time("ported").first_lines(shown.len());
    let changes: Vec<_> = printed.iter().filter_map(|line| change(line)).take(shown.len()).collect();
    let is_late = |at: u32, due: u32| (due..=due + 10).contains(&at);
    let is_so = if board.ticks {
        // In the emulator's virtual time a tick takes longer than it should, and the timer that presses does not.
        let spans: Vec<u32> = changes.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        let pressed = spans.iter().position(|span| *span < 400).unwrap_or(spans.len());
        spans.iter().enumerate().all(|(at, span)| at == pressed || is_late(*span, if at < pressed { 400 } else { 200 }))
            && pressed < spans.len() - 1
            && changes.iter().zip(&shown).all(|(printed, shown)| printed.1 == shown.1)
    } else {
        changes.iter().zip(&shown).all(|(printed, shown)| printed.1 == shown.1 && is_late(printed.0, shown.0))
    };
    let is_so = is_so && (changes.len(), shown.len()) == (5, 5);
    assert!(is_so, "the page shows {shown:?}, and the board printed\n{}", printed.join("\n"));
}

fn the_ported_serial_line_sends_back_what_it_receives(board: &Board) {
    let mut emulator = board.run("ported");
    emulator.first_lines(1);
    for data in [&b"hello"[..], b"!"] {
        emulator.send(data);
        emulator.expect(data);
    }
    emulator.send(&[4]); // Ctrl+D
    let (status, printed) = emulator.finish();
    let last = printed.last().map(String::as_str);
    assert_eq!((status, last), (0, Some("Ok(())")), "it printed\n{}", printed.join("\n"));
}

#[test]
fn the_ported_tasks_are_those_of_the_page() {
    let program = include_str!("../../../../examples/bare-metal/programs/ported.rs");
    let between = |start: &str, end: &str| {
        let (_, after) = PAGE_OF_THE_PORT.split_once(start).expect("the page has it");
        format!("{start}{}", after.split_once(end).expect("and its end").0.trim_end())
    };
    for code in [
        between("static PRESSED", "\n\n"),
        between("// Two interrupt handlers.", "/// Stands for a pin"),
        between("/// Each press", "fn main"),
    ] {
        assert!(program.contains(&code), "the program has other code than\n{code}");
    }
}

fn bytes_come_back_from_the_serial_line_and_it_sleeps_in_between(board: &Board) {
    let mut emulator = board.run("serial");
    emulator.expect_line("echoing");
    let every: Vec<u8> = (0..=255).filter(|byte| *byte != 4).collect();
    // So long that a board on a busy machine finds the time to fall asleep, twice in four times at least.
    let pause = || sleep(Duration::from_millis(100));
    for data in [&b"hello"[..], b"\n", &every] {
        pause();
        emulator.send(data);
        emulator.expect(data);
    }
    pause();
    emulator.send(&[4]);
    let (status, printed) = emulator.finish();
    let slept = printed.last().and_then(|line| times(line, "261 bytes came back; slept "));
    assert!(status == 0 && slept >= Some(2), "it ended with {status} and printed\n{}", printed.join("\n"));
}

/// The tutorial's conversation, word for word.
fn the_tutorials_conversation_goes_by_the_serial_line(board: &Board) {
    let welcome = b"Welcome to the server pal, feel free to send me something!\n-> ";
    let mut emulator = board.run("echo");
    emulator.expect(welcome);
    emulator.send(b"async server test\n");
    emulator.expect(b"Got: async server test\n-> ");
    let long = vec![b'x'; 1500]; // more than is answered at once
    emulator.send(&long);
    emulator.expect(&[b"Got: ", &long[..1024], b"-> "].concat());
    emulator.send(b"\n");
    emulator.expect(&[b"Got: ", &long[1024..], b"\n-> "].concat());
    emulator.send(&[4]); // Ctrl+D
    emulator.expect(welcome);
    emulator.send(b"exit\n");
    emulator.expect(b"Shutting down the server\n");
    let (status, printed) = emulator.finish();
    for line in [
        "[INFO] Got: b'async server test\\n' from the serial line",
        "[INFO] Echoed back b'async server test\\n' to the serial line",
        "[INFO] Connection from the serial line closed",
        "[ERROR] Exiting due to a shutdown request from the serial line",
    ] {
        assert!(printed.iter().any(|said| said == line), "it did not say \"{line}\", but\n{}", printed.join("\n"));
    }
    assert_eq!(status, 1);
}

/// The same server with sockets, for real clients: through a port of this machine that the emulator forwards.
fn serve(board: &Board) -> (Emulator, u16) {
    let port = clients::free_port();
    let mut emulator = board.serve("tcp", port);
    emulator.expect_line("[INFO] Serving asynchronously at 10.0.2.15:1500");
    (emulator, port)
}

/// How often it slept.
fn the_server_exits(emulator: Emulator) -> u32 {
    let (status, printed) = emulator.finish();
    let (slept, last) = match &printed[..] {
        [.., slept, last] => (times(slept, "[INFO] slept "), last.as_str()),
        _ => (None, ""),
    };
    let has_said_why = last.starts_with("[ERROR] Exiting due to a shutdown request from 10.0.2.2:");
    match slept {
        Some(slept) if status == 1 && has_said_why => slept,
        _ => panic!("the server ended with {status} and printed\n{}", printed.join("\n")),
    }
}

fn clients_are_served_whether_they_talk_or_break_off_or_send_a_megabyte(board: &Board) {
    let (emulator, port) = serve(board);
    clients::talk(port);
    clients::break_off(port, 200);
    for _ in 0..100 {
        clients::talk(port);
    }
    clients::send_much(port, 1 << 20);
    clients::end(port);
    the_server_exits(emulator);
}

/// With nobody there it wakes about once a second. A conversation takes some wakes as well.
fn a_server_without_clients_sleeps(board: &Board) {
    const IDLE: Duration = Duration::from_secs(8);
    let (emulator, port) = serve(board);
    sleep(IDLE);
    clients::end(port);
    let sleeps = the_server_exits(emulator);
    assert!(
        sleeps <= IDLE.as_secs() as u32 + 15,
        "it slept {sleeps} times, in {} s and a conversation",
        IDLE.as_secs()
    );
}
