//! The numbered examples print what their documentation says.
#![cfg(unix)]

mod common;

use common::programs::{example, runs_in_qemu, runs_in_wine, source};

/// The first block of text in the documentation.
fn promised(source: &str) -> Vec<&str> {
    let lines = source.lines().skip_while(|line| *line != "//! ```text").skip(1);
    lines.take_while(|line| *line != "//! ```").map(|line| line.strip_prefix("//! ").unwrap()).collect()
}

/// Fractions of a second depend on how busy the machine is.
fn without_fractions(line: &str) -> String {
    let mut result = String::new();
    let mut digits_left = 0;
    let mut last = ' ';
    for character in line.chars() {
        if character == '.' && last.is_ascii_digit() {
            digits_left = 2;
        }
        match digits_left {
            1.. if character.is_ascii_digit() => digits_left -= 1,
            _ => result.push(character),
        }
        last = character;
    }
    result
}

fn run(name: &str) -> Vec<String> {
    let ended = example(name).output().unwrap();
    assert!(ended.status.success(), "{name}: {}", ended.status);
    let lines = String::from_utf8(ended.stdout).unwrap().lines().map(without_fractions).collect();
    if std::env::var_os("GIAMBIO_RUNNER").is_some() { sleepers_together(lines) } else { lines }
}

/// In an emulator so much time lies between two sleeps that begin one after the other that the second is not over when
/// the loop looks for I/O after the first. It is told where it is told elsewhere.
fn sleepers_together(mut lines: Vec<String>) -> Vec<String> {
    let slept = |line: &String| line.starts_with("# Task '") && line.contains("' slept for ");
    for i in 3..lines.len() {
        if slept(&lines[i]) && lines[i - 1].starts_with("!! Done I/O") && slept(&lines[i - 3]) {
            lines[i - 2..=i].rotate_right(1);
        }
    }
    lines
}

fn assert_prints_what_it_says(name: &str) {
    let source = source(name);
    // A program that can't be executed is told by its status alone there.
    let is_told = |line: &&str| !(runs_in_qemu() && line.starts_with("cannot run"));
    let promised: Vec<String> = promised(&source).into_iter().filter(is_told).map(without_fractions).collect();
    assert!(!promised.is_empty(), "{name} says nothing about what it prints");
    let mut printed = run(name);
    for _ in 0..10 {
        if printed == promised {
            return;
        }
        printed = run(name); // things that happen almost at the same time may change places now and then
    }
    assert_eq!(printed, promised, "{name}");
}

/// Elsewhere it says so, and fails.
fn assert_is_for_unix(name: &str) {
    if !runs_in_wine() {
        return assert_prints_what_it_says(name);
    }
    let ended = example(name).output().unwrap();
    let error = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{name}: {error}");
    assert!(error.contains("Unsupported") && error.contains("Unix"), "{name}: {error}");
}

#[test]
fn hello() {
    assert_prints_what_it_says("01_hello");
}

#[test]
fn sleep_double() {
    assert_prints_what_it_says("02_sleep_double");
}

#[test]
fn two_children() {
    assert_prints_what_it_says("03_two_children");
}

#[test]
fn failing_child() {
    assert_prints_what_it_says("04_failing_child");
}

#[test]
fn timeouts_and_shields() {
    assert_prints_what_it_says("05_timeouts_and_shields");
}

#[test]
fn loop_by_hand() {
    assert_prints_what_it_says("06_loop_by_hand");
}

#[test]
fn debugger() {
    assert_prints_what_it_says("07_debugger");
}

#[test]
fn pipeline() {
    assert_prints_what_it_says("08_pipeline");
}

#[test]
fn worker_pool() {
    assert_prints_what_it_says("09_worker_pool");
}

#[test]
fn supervised_workers() {
    assert_prints_what_it_says("10_supervised_workers");
}

#[test]
fn soft_stop() {
    assert_prints_what_it_says("11_soft_stop");
}

#[test]
fn inherited() {
    assert_prints_what_it_says("12_inherited");
}

#[test]
fn programs() {
    assert_prints_what_it_says("14_programs");
}

#[test]
fn udp_query() {
    assert_prints_what_it_says("19_udp_query");
}

#[test]
fn passing_a_descriptor() {
    assert_is_for_unix("20_passing_a_descriptor");
}

#[test]
fn guest_of_smol() {
    assert_is_for_unix("22_guest_of_smol");
}

#[test]
fn guest_of_a_window() {
    assert_is_for_unix("23_guest_of_a_window");
}
