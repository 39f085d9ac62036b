//! The core's conformance cases, on a board of each target.

use giambio_board_tests::{Board, MICROBIT, MPS2_AN385, RISCV_VIRT};

/// The cases that pass on a board: their names.
fn cases(board: &Board, image: &str) -> Vec<String> {
    let (status, printed) = board.run_in_virtual_time(image).finish();
    let passed: Vec<String> = printed.iter().filter(|line| line.ends_with(" ... ok")).cloned().collect();
    let all = format!("{} passed", passed.len());
    assert!(
        status == 0 && printed.last() == Some(&all) && !passed.is_empty(),
        "on {} it ended with {status} and printed\n{}",
        board.name,
        printed.join("\n")
    );
    // Each counts as a test.
    println!("{}\ntest result: {all}; 0 failed ({})", passed.join("\n"), board.target);
    passed
}

#[test]
fn every_case_passes_on_a_cortex_m3() {
    cases(&MPS2_AN385, "conformance");
}

#[test]
fn the_same_cases_pass_on_a_board_of_each_target() {
    let first = cases(&MPS2_AN385, "conformance");
    for board in [MICROBIT, RISCV_VIRT] {
        assert_eq!(cases(&board, "conformance"), first, "{} ran other cases than {}", board.name, MPS2_AN385.name);
    }
}

#[test]
fn what_goes_on_between_tasks_does_as_it_should_on_a_cortex_m3() {
    cases(&MPS2_AN385, "between_tasks");
}
