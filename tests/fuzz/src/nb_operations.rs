//! The `nb` adapter, with an operation that does as the bytes say.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use giambio::testing::Simulation;
use giambio::{clock, move_on_after};

/// An operation is tried as often as it takes and no more often, its first end is the end, and a
/// cancellation comes between two tries.
pub fn nb(data: &[u8]) {
    let _ = try_nb(&mut Unstructured::new(data));
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Answer {
    WouldBlock,
    Value(u8),
    Error(u8),
}

fn try_nb(input: &mut Unstructured<'_>) -> Result<()> {
    // With hardly a pause in between, there would be millions of tries.
    let period = Duration::from_nanos(input.int_in_range(1_000..=1_000_000)?);
    let limit = Duration::from_nanos(input.int_in_range(0..=20_000_000)?);
    let mut script = Vec::new();
    while !input.is_empty() && script.len() < 300 {
        script.push(match input.int_in_range(0..=9)? {
            0 => Answer::Value(input.arbitrary()?),
            1 => Answer::Error(input.arbitrary()?),
            _ => Answer::WouldBlock,
        });
    }
    let end = script.iter().position(|answer| *answer != Answer::WouldBlock);
    let tries = Cell::new(0usize);
    let operation = || {
        let answer = script.get(tries.replace(tries.get() + 1)).copied();
        match answer.unwrap_or(Answer::WouldBlock) {
            Answer::WouldBlock => Err(::nb::Error::WouldBlock),
            Answer::Value(value) => Ok(value),
            Answer::Error(error) => Err(::nb::Error::Other(error)),
        }
    };

    // Looked at every so often.
    let (result, took) = Simulation::new().run(async {
        let start = clock();
        let result = move_on_after(limit, giambio::nb::poll_every(period, &operation)).await;
        (result, clock() - start)
    });
    let due = end.map(|end| period * end as u32).filter(|due| *due <= limit);
    match (result, end.map(|end| script[end])) {
        (Some(Ok(value)), Some(answer)) => assert_eq!(answer, Answer::Value(value)),
        (Some(Err(error)), Some(answer)) => assert_eq!(answer, Answer::Error(error)),
        (None, _) => assert_eq!(took, limit),
        (some, None) => panic!("{some:?} out of nothing"),
    }
    if let (Some(_), Some(end)) = (result, end) {
        assert_eq!((tries.get(), Some(took)), (end + 1, due));
    }
    assert!(result.is_some() || due.is_none_or(|due| due >= limit || limit.is_zero()), "it gave up too early");

    // Woken by its interrupt, once for each time that it would block.
    tries.set(0);
    let Some(end) = end else { return Ok(()) };
    let registered = Cell::new(0);
    let result = Simulation::new().run(async {
        let register = |waker: &std::task::Waker| {
            assert_eq!(registered.get(), tries.get(), "the waker is there before the operation is tried");
            registered.set(registered.get() + 1);
            waker.wake_by_ref();
        };
        pin!(giambio::nb::wait(register, &operation)).await
    });
    assert_eq!(tries.get(), end + 1);
    assert_eq!(result.map_or_else(Answer::Error, Answer::Value), script[end]);
    Ok(())
}
