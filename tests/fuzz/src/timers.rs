//! Timers that are set, moved and given up in any order, against a list.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use arbitrary::Unstructured;
use giambio::{Instant, Next, Runtime, Sleep, Tick, Until, VirtualClock, sleep_until};

/// What is set fires in the order of the deadlines, equal ones in the order in which they were set;
/// what was given up doesn't.
pub fn timers(data: &[u8]) {
    let input = RefCell::new(Unstructured::new(data));
    let time = VirtualClock::<1_000_000_000>::new();
    let main = Timers { input: &input, all: Vec::new(), now: 0, next: 0 };
    let mut runtime = pin!(Runtime::new(&time, main));
    loop {
        match runtime.as_mut().turn() {
            Next::Finished(()) => return,
            Next::Wait(Until::At(tick)) => time.advance_to(tick),
            Next::Wait(Until::Now) => {
                let step = input.borrow_mut().int_in_range(0..=40).unwrap_or(0);
                time.advance_to(Tick(giambio::Clock::now(&&time).0 + step));
            }
            Next::Wait(Until::OnWake) => panic!("timers are set, and nobody says when"),
        }
    }
}

struct Timer {
    sleep: Pin<Box<Sleep>>,
    deadline: u64,
    number: u32,
    /// It was polled before its time, so it is in the queue.
    set: bool,
}

/// A task that plays with its timers whenever it is polled.
struct Timers<'a> {
    input: &'a RefCell<Unstructured<'a>>,
    all: Vec<Timer>,
    now: u64,
    next: u32,
}

impl Future for Timers<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let now = giambio::clock().as_nanos();
        assert!(now >= this.now);
        this.now = now;
        // Whoever is ready was due, and whoever was due is ready, soonest first.
        let mut ready = Vec::new();
        let mut i = 0;
        while i < this.all.len() {
            let timer = &mut this.all[i];
            match timer.sleep.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    assert!(timer.deadline <= now, "early: due at {}, it is {now}", timer.deadline);
                    ready.push((timer.deadline, timer.number));
                    this.all.swap_remove(i);
                }
                Poll::Pending => {
                    assert!(!timer.set || timer.deadline > now, "due at {}, it is {now}", timer.deadline);
                    timer.set = timer.deadline > now;
                    i += 1;
                }
            }
        }
        let mut input = this.input.borrow_mut();
        let is_over = input.is_empty();
        for _ in 0..input.int_in_range(0..=6).unwrap_or(0) {
            let choice = input.int_in_range(0..=5).unwrap_or(0);
            if choice < 4 && this.all.len() < 200 {
                // Near and far: what comes much later is kept elsewhere.
                let span = input.int_in_range(0..=100_u64).unwrap_or(0);
                let deadline = now + (span << input.int_in_range(0..=40).unwrap_or(0));
                let mut sleep = Box::pin(sleep_until(Instant::from_nanos(deadline)));
                let poll = sleep.as_mut().poll(cx);
                assert!(poll.is_pending(), "even a sleep that is over yields once");
                this.next += 1;
                this.all.push(Timer { sleep, deadline, number: this.next, set: deadline > now });
            } else if !this.all.is_empty() {
                let which = input.choose_index(this.all.len()).unwrap_or(0);
                drop(this.all.swap_remove(which));
            }
        }
        if is_over && this.all.is_empty() {
            return Poll::Ready(());
        }
        if this.all.is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
