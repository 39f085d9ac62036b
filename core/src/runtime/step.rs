//! What a turn does, and what comes between two.

use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;

use crate::debugger::{Debugger, Event};
use crate::kernel::clock::given;
use crate::kernel::emit as hooks;
use crate::kernel::in_place::clear;
use crate::kernel::root::{Root, Turn, read_clock, with_clock};
use crate::task_info::TaskInfo;
use crate::time::{Clock, Tick};
use crate::wait::{Next, Until, Wait};

/// Begins a turn of a runtime that has not finished.
pub(super) fn begin<'a, C: Clock, D: Debugger>(
    root: Pin<&'a Root>,
    seams: &'a Option<(C, D)>,
    has_main: bool,
) -> Turn<'a> {
    match seams {
        Some((clock, debugger)) if has_main => root.turn(given(clock), hooks::dynamic(debugger)),
        _ => panic!("giambio: the runtime was turned after it had finished"),
    }
}

/// The first turn polls the root task, which nobody has woken.
pub(super) fn start(started: &mut bool, turn: &Turn<'_>) {
    if !core::mem::replace(started, true) {
        hooks::tell(Event::Start);
        turn.make_ready();
    }
}

/// What is done in a turn, and what comes of it.
pub(super) fn step<F: Future>(turn: &Turn<'_>, main: Pin<&mut Option<F>>) -> Next<F::Output> {
    turn.take_remote();
    turn.fire_due();
    poll(turn, main).map_or_else(|| Next::Wait(turn.until()), Next::Finished)
}

/// Polls the main future if its task was woken, and again while the turn goes on. Its value, when it ends.
fn poll<F: Future>(turn: &Turn<'_>, mut main: Pin<&mut Option<F>>) -> Option<F::Output> {
    loop {
        if let Some(Poll::Ready(value)) = main.as_mut().as_pin_mut().and_then(|main| turn.poll(main)) {
            let _end = End;
            clear(main);
            return Some(value);
        }
        if !turn.goes_on() {
            return None;
        }
    }
}

/// Dropped in the last turn, it tells that the run is over: also if a destructor panics there.
pub(super) struct End;

impl Drop for End {
    fn drop(&mut self) {
        hooks::tell(Event::TaskExit(TaskInfo::ROOT));
        hooks::tell(Event::Exit);
    }
}

/// What comes between two turns.
pub(super) fn rest(turn: &Turn<'_>, wait: &mut impl Wait, until: Until, is_watched: bool) {
    if is_watched && wait.looks_for_io(until) {
        return look(turn, wait, until);
    }
    turn.pause(|| wait.wait(until));
    let is_over = |tick: Tick| with_clock(|_, _| read_clock() >= tick.0).unwrap_or(false);
    if is_watched && matches!(until, Until::At(tick) if is_over(tick)) && wait.looks_for_io(Until::Now) {
        turn.fire_due();
        look(turn, wait, Until::Now);
    }
}

/// A wait that looks for I/O, of which the debugger is told.
fn look(turn: &Turn<'_>, wait: &mut impl Wait, until: Until) {
    let timeout = match until {
        Until::Now => Some(Duration::ZERO),
        Until::At(tick) => with_clock(|clock, _| clock.instant(tick.0) - clock.instant(read_clock())),
        Until::OnWake => None,
    };
    hooks::tell(Event::BeforeIo(timeout));
    turn.pause(|| wait.wait(until));
    hooks::tell(Event::AfterIo(timeout));
}
