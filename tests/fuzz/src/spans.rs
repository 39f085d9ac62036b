//! Spans, moments and ticks, at any frequency and near the ends of their ranges.

use std::pin::pin;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use giambio::{Clock, Instant, Next, Runtime, Tick, Until, VirtualClock, clock, move_on_after, sleep, sleep_until};

const NANOS: u128 = 1_000_000_000;

/// Spans become ticks rounded up, ticks become moments rounded down, all of it exact and without
/// overflow: against arithmetic with twice as many bits.
pub fn spans(data: &[u8]) {
    let mut input = Unstructured::new(data);
    while !input.is_empty() {
        if one(&mut input).is_err() {
            return;
        }
    }
}

fn one(input: &mut Unstructured<'_>) -> Result<()> {
    match input.int_in_range(0..=9)? {
        0 => at::<1>(input),
        1 => at::<3>(input),
        2 => at::<100>(input),
        3 => at::<1_000>(input),
        4 => at::<32_768>(input),
        5 => at::<1_000_000>(input),
        6 => at::<999_999_937>(input),
        7 => at::<1_000_000_000>(input),
        8 => at::<3_579_545_123_457>(input),
        _ => at::<{ u64::MAX }>(input),
    }
}

/// A number, most often near an end of its range.
fn number(input: &mut Unstructured<'_>) -> Result<u64> {
    let near = u64::from(input.arbitrary::<u16>()?);
    Ok(match input.int_in_range(0..=4)? {
        0 => near,
        1 => u64::MAX - near,
        2 => (1 << 32) - (1 << 15) + near,
        3 => (u64::MAX / 1_000_000_000).saturating_add(near).wrapping_sub(1 << 15),
        _ => input.arbitrary()?,
    })
}

fn at<const HZ: u64>(input: &mut Unstructured<'_>) -> Result<()> {
    let now = number(input)?;
    let span = Duration::new(number(input)?, input.int_in_range(0..=999_999_999)?);
    let moment = Instant::from_nanos(number(input)?);
    let time = VirtualClock::<HZ>::new();
    time.advance_to(Tick(now));

    let nanos = ticks_to_nanos(HZ, now);
    assert_eq!(turn(&time, async { clock().as_nanos() }), Next::Finished(nanos), "{now} at {HZ} Hz");

    let deadline = now.saturating_add(to_ticks(HZ, span));
    let sleeps = turn(&time, sleep(span));
    assert_eq!(sleeps, expected(now, deadline), "a sleep of {span:?} from {now} at {HZ} Hz");
    let bounded = turn(&time, async {
        let _ = move_on_after(span, std::future::pending::<()>()).await;
    });
    assert_eq!(bounded, expected(now, deadline), "a deadline after {span:?} from {now} at {HZ} Hz");

    let at = match moment {
        Instant::MAX => u64::MAX,
        moment => to_ticks(HZ, Duration::from_nanos(moment.as_nanos())),
    };
    assert_eq!(turn(&time, sleep_until(moment)), expected(now, at), "{moment:?} at {now}, {HZ} Hz");

    let sum = u128::from(moment.as_nanos()) + span.as_nanos();
    let later = u64::try_from(sum).map_or(Instant::MAX, Instant::from_nanos);
    assert_eq!(moment + span, later);
    assert_eq!(moment.checked_add(span).unwrap_or(Instant::MAX), later);
    assert_eq!(later - moment, span.min(Duration::from_nanos(u64::MAX - moment.as_nanos())));
    assert_eq!(moment - later, Duration::ZERO);

    time.advance(span);
    assert_eq!(time.now(), Tick(deadline), "{span:?} at {HZ} Hz");
    Ok(())
}

fn turn<F: Future, const HZ: u64>(time: &VirtualClock<HZ>, main: F) -> Next<F::Output> {
    pin!(Runtime::new(time, main)).turn()
}

/// What a turn says of a deadline: the last moment of all never comes, and what waits for one that is past ends in it.
fn expected(now: u64, deadline: u64) -> Next<()> {
    if deadline <= now {
        Next::Finished(())
    } else if deadline == u64::MAX {
        Next::Wait(Until::OnWake)
    } else {
        Next::Wait(Until::At(Tick(deadline)))
    }
}

fn to_ticks(hz: u64, span: Duration) -> u64 {
    let whole = u128::from(span.as_secs()) * u128::from(hz);
    let part = (u128::from(span.subsec_nanos()) * u128::from(hz)).div_ceil(NANOS);
    u64::try_from(whole + part).unwrap_or(u64::MAX)
}

fn ticks_to_nanos(hz: u64, ticks: u64) -> u64 {
    let nanos = u128::from(ticks) * NANOS / u128::from(hz);
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
