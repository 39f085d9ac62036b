//! Cases that need the board: its clock, its interrupts, its sleep.

use core::pin::pin;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;
use core::task::{Poll, ready};
use core::time::Duration;

use board::Clock;
use giambio_core::channel::Channel;
use giambio_core::sync::{Event, Shared, WakerSlot};
use giambio_core::{Clock as _, Runtime, clock, nursery_in, poll_proceed, sleep};

use crate::world::{Never, OUTER, SECOND};

pub(super) const CASES: &[super::Case] = &[
    ("no_sleep_ends_early_whatever_its_length", no_sleep_ends_early_whatever_its_length),
    ("the_time_goes_on_when_the_counter_comes_round", the_time_goes_on_when_the_counter_comes_round),
    ("with_nothing_to_do_it_sleeps", with_nothing_to_do_it_sleeps),
    ("interrupts_interrupt_each_other_and_lose_nothing", interrupts_interrupt_each_other_and_lose_nothing),
    ("an_interrupt_wakes_a_task_that_left_its_waker", an_interrupt_wakes_a_task_that_left_its_waker),
    ("an_interrupt_wakes_all_who_wait_for_an_event", an_interrupt_wakes_all_who_wait_for_an_event),
];

/// Runs on the board's own clock, and sleeps as it does.
fn run<F: Future>(clock: Clock, main: F) -> F::Output {
    pin!(Runtime::new(clock, main)).run_masked(&mut board::sleep)
}

/// A tick more than a clock can tell, and time to run.
const LATE: Duration = Duration::from_millis(3);

async fn sleep_and_look(span: Duration) {
    let start = clock();
    sleep(span).await;
    let slept = clock() - start;
    assert!(slept >= span, "{slept:?} is less than {span:?}");
    assert!(slept <= span + LATE, "{slept:?} is more than {span:?}");
}

fn no_sleep_ends_early_whatever_its_length(clock: Clock) {
    run(clock, async {
        for micros in [1, 2, 3, 7, 50, 333, 999, 1000, 1001, 2500, 10_007, 123_456] {
            sleep_and_look(Duration::from_micros(micros)).await;
        }
    });
}

/// 40 s: a counter of 24 bits at 1 MHz comes round twice, one at 12.5 MHz thirty times.
fn the_time_goes_on_when_the_counter_comes_round(clock: Clock) {
    run(clock, async {
        let Ok(()) = nursery_in(&OUTER, async |n| {
            for (span, times) in [(Duration::from_millis(770), 52), (SECOND * 41 / 10, 10), (40 * SECOND, 1)] {
                n.spawn_wait(async move {
                    for _ in 0..times {
                        sleep_and_look(span).await;
                    }
                    Ok::<(), Never>(())
                })
                .await;
            }
            Ok(())
        })
        .await;
    });
}

fn with_nothing_to_do_it_sleeps(clock: Clock) {
    let before = board::sleeps();
    run(clock, sleep(10 * SECOND));
    let sleeps = board::sleeps() - before;
    // By ticks: one a tick. Else: a second look at the deadline, and those of a counter that comes round.
    let most = if Clock::HZ == 1000 { 10_100 } else { 15 };
    assert!((1..=most).contains(&sleeps), "it slept {sleeps} times in 10 s");
}

static NUMBERS: Channel<u8, 8, Shared> = Channel::shared();

fn interrupts_interrupt_each_other_and_lose_nothing(clock: Clock) {
    static AGAIN: AtomicBool = AtomicBool::new(false);
    run(clock, async {
        let Ok(()) = nursery_in(&OUTER, async |n| {
            n.spawn_wait(async {
                for _ in 0..5 {
                    sleep(Duration::from_millis(2)).await;
                    board::nest(
                        || {
                            // The first time and the second; this interrupt alone touches it.
                            let again = AGAIN.load(Relaxed);
                            AGAIN.store(!again, Relaxed);
                            let _ = NUMBERS.try_send(if again { 3 } else { 1 });
                        },
                        || {
                            let _ = NUMBERS.try_send(2);
                        },
                    );
                }
                Ok::<(), Never>(())
            })
            .await;
            for _ in 0..5 {
                assert_eq!(
                    [NUMBERS.receive().await, NUMBERS.receive().await, NUMBERS.receive().await],
                    [Ok(1), Ok(2), Ok(3)]
                );
            }
            Ok(())
        })
        .await;
    });
}

fn an_interrupt_wakes_a_task_that_left_its_waker(clock: Clock) {
    static FLAG: AtomicBool = AtomicBool::new(false);
    static SLOT: WakerSlot = WakerSlot::new();
    board::every(Duration::from_millis(5), || {
        FLAG.store(true, Relaxed);
        SLOT.wake();
    });
    run(clock, async {
        for _ in 0..10 {
            core::future::poll_fn(|cx| {
                let go = ready!(poll_proceed(cx));
                SLOT.register(cx.waker());
                if !FLAG.load(Relaxed) {
                    return Poll::Pending;
                }
                FLAG.store(false, Relaxed);
                go.made_progress();
                Poll::Ready(())
            })
            .await;
        }
    });
    board::every(Duration::from_secs(1), || {});
}

fn an_interrupt_wakes_all_who_wait_for_an_event(clock: Clock) {
    static EVENT: Event<Shared> = Event::shared();
    EVENT.clear();
    board::every(Duration::from_millis(5), || EVENT.set());
    run(clock, async {
        let Ok(()) = nursery_in(&OUTER, async |n| {
            for _ in 0..3 {
                n.spawn_wait(async {
                    EVENT.wait().await;
                    Ok::<(), Never>(())
                })
                .await;
            }
            Ok(())
        })
        .await;
    });
    board::every(Duration::from_secs(1), || {});
}
