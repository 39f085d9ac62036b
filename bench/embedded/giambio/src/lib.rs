//! What a user of giambio brings: a clock, and the way to sleep. A program is a nursery; with feature `nested` its nursery
//! lies in a main future; with feature `joined` the tasks are no children of a nursery: the main task polls all of them, as a
//! `join!` does.
#![no_std]

use core::array::from_fn;
use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use core::task::Poll;

use bench_common as b;
use giambio_core::{Arena, Clock, Runtime, Tick, nursery_in, run_nursery};

static LOW: AtomicU32 = AtomicU32::new(0);
static HIGH: AtomicU32 = AtomicU32::new(0);

/// Call it in the SysTick handler of a firmware that needs the time.
#[inline]
pub fn on_tick() {
    let low = LOW.load(Relaxed).wrapping_add(1);
    LOW.store(low, Relaxed);
    if low == 0 {
        HIGH.store(HIGH.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

/// Ticks since the start.
#[inline]
pub fn now() -> u64 {
    loop {
        let high = HIGH.load(Relaxed);
        let low = LOW.load(Relaxed);
        if high == HIGH.load(Relaxed) {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

/// Milliseconds, by SysTick.
pub struct Millis;

impl Clock for Millis {
    const HZ: u64 = 1000;
    // As the peers: a sleep of n ticks ends with the n-th tick from now.
    const LAG: u64 = 0;

    #[inline]
    fn now(&self) -> Tick {
        Tick(now())
    }
}

giambio_core::clock!(Millis = Millis);

/// What this firmware promises.
struct Firmware;

// SAFETY: one core and no threads, and the handlers of interrupts wake and no more.
unsafe impl giambio_core::OneContext for Firmware {}

giambio_core::one_context!(Firmware);

/// The loop: sleeps by WFI when nothing is ready.
#[inline(always)]
pub fn run<F: Future>(main: F) -> F::Output {
    pin!(Runtime::new(Millis, main)).run_masked(&mut |_| cortex_m::asm::wfi())
}

/// Runs as many children of one kind as the benchmark asks for.
pub fn run_tasks<const BYTES: usize, F>(arena: &'static Arena<{ b::N }, BYTES>, task: impl Fn(usize) -> F) -> !
where
    F: Future<Output = Result<(), Infallible>> + 'static,
{
    let Ok(()) = if cfg!(feature = "joined") {
        let tasks = from_fn::<_, { b::N }, _>(task);
        run(async move { all(pin!(tasks)).await })
    } else if cfg!(feature = "nested") {
        run(nursery_in(arena, async |n| {
            for i in 0..b::N {
                let _ = n.try_spawn(task(i));
            }
            Ok(())
        }))
    } else {
        run_nursery(Millis, arena, &mut |_| cortex_m::asm::wfi(), async |n| {
            for i in 0..b::N {
                let _ = n.try_spawn(task(i));
            }
            Ok(())
        })
    };
    b::exit()
}

/// Polls tasks that never end.
async fn all<F: Future<Output = Result<(), Infallible>>, const N: usize>(mut tasks: Pin<&mut [F; N]>) -> F::Output {
    poll_fn(|cx| {
        for i in 0..N {
            // SAFETY: structural: the array is pinned, and nothing moves its elements.
            let task = unsafe { tasks.as_mut().map_unchecked_mut(|tasks| &mut tasks[i]) };
            if let Poll::Ready(result) = task.poll(cx) {
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    })
    .await
}

/// Runs two that never end.
#[inline(always)]
pub fn run_two<A, B>(first: A, second: B) -> Result<(), Infallible>
where
    A: Future<Output = Result<(), Infallible>>,
    B: Future<Output = Result<(), Infallible>>,
{
    let (mut first, mut second) = (pin!(first), pin!(second));
    run(poll_fn(move |cx| match first.as_mut().poll(cx) {
        Poll::Pending => second.as_mut().poll(cx),
        ended => ended,
    }))
}

/// A firmware with a task that says something to itself.
#[macro_export]
macro_rules! said {
    ($body:block) => {
        static ARENA: giambio_core::Arena<{ bench_common::N }, 256> = giambio_core::Arena::new();

        async fn worker(_: usize) -> Result<(), core::convert::Infallible> $body

        #[unsafe(no_mangle)]
        extern "C" fn TIMER0() {}

        #[cortex_m_rt::entry]
        fn main() -> ! {
            $crate::run_tasks(&ARENA, worker)
        }
    };
}
