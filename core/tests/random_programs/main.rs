//! Random programs against a reference: trees of nurseries, scopes, deadlines, shields, clean-ups,
//! joins, selects, foreign sets of futures, arenas and handles, locks and channels that all of it shares (`between.rs`), made
//! from a seed, run in virtual time, and compared with what a small model says must happen: which sleeps end when, which
//! clean-ups begin and end when, who gets which result, what fails or panics, and when all of it is over. Nothing may be
//! alive at the end, nor after a drop half-way.
//!
//! The model (`model.rs`) knows nothing of polls and wakes. It computes, for code that starts at a
//! moment and is cancelled at a moment, when it ends and how. All times are random 30-bit numbers,
//! so two unrelated things never happen at once. What must make no difference to the outcome isn't
//! in the model at all: needless wakes, late ones, wakes through other threads, futures that are
//! polled by foreign combinators or move to another task (`through.rs`), a clock that moves in
//! small steps, the order in which ready tasks are polled (`check.rs`).
//! That order itself is the same in all runs of a program (`order.rs`).
//!
//! ```text
//! GIAMBIO_PROGRAMS=1000000 cargo test --release -p giambio-core --test random_programs
//! ```
//!
//! runs a million in each of the ways below; `GIAMBIO_FIRST_PROGRAM` says with which seed to begin.
//! A program that goes wrong is made smaller and printed.
#![cfg(feature = "alloc")]

#[path = "../common/mod.rs"]
mod common;

mod arenas;
mod between;
mod check;
mod code;
mod maker;
mod model;
mod order;
mod real;
mod shrink;
mod through;

use check::{Surroundings, check, check_dropped};
use common::Rng;
use model::NEVER;
use order::check_order;
use shrink::check_or_shrink;

fn seeds() -> std::ops::Range<u64> {
    common::seeds(1_500)
}

#[test]
fn random_programs_do_what_the_reference_says() {
    for seed in seeds() {
        check_or_shrink(seed, |code| check(code, NEVER, Surroundings::quiet()));
    }
}

#[test]
fn random_programs_cancelled_half_way_do_what_the_reference_says() {
    for seed in seeds() {
        let cancel = Rng(seed).below(1 << 31) + 1;
        check_or_shrink(seed, |code| check(code, cancel, Surroundings::quiet()));
    }
}

#[test]
fn random_programs_in_noisy_surroundings_do_what_the_reference_says() {
    for seed in seeds() {
        let cancel = if seed % 2 == 0 { NEVER } else { Rng(seed).below(1 << 31) + 1 };
        check_or_shrink(seed, |code| check(code, cancel, Surroundings::noisy(seed)));
    }
}

#[test]
#[cfg(feature = "std")]
fn random_programs_woken_by_other_threads_do_what_the_reference_says() {
    for seed in seeds().step_by(4) {
        let cancel = if seed % 8 == 0 { NEVER } else { Rng(seed).below(1 << 31) + 1 };
        check_or_shrink(seed, |code| check(code, cancel, Surroundings::threads(seed)));
    }
}

#[test]
#[cfg(feature = "std")]
fn random_programs_in_any_order_do_what_the_reference_says() {
    for seed in seeds() {
        let cancel = if seed % 2 == 0 { NEVER } else { Rng(seed).below(1 << 31) + 1 };
        check_or_shrink(seed, |code| check(code, cancel, Surroundings::shuffled(seed)));
    }
}

#[test]
fn random_programs_dropped_half_way_leave_nothing() {
    for seed in seeds() {
        let turns = Rng(seed).below(60);
        check_or_shrink(seed, |code| check_dropped(code, turns, Surroundings::noisy(seed)));
    }
}

#[test]
fn random_programs_are_polled_in_the_same_order_whoever_turns_and_watches_and_wherever_children_live() {
    for seed in seeds().step_by(4) {
        let cancel = if seed % 8 == 0 { NEVER } else { Rng(seed).below(1 << 31) + 1 };
        check_or_shrink(seed, |code| check_order(code, cancel, None));
        #[cfg(feature = "std")]
        check_or_shrink(seed, |code| check_order(code, cancel, Some(seed)));
    }
}
