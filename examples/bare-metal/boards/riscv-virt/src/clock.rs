//! The time by `mtime`, 64 bits that never come round, and `mtimecmp` as the alarm: no tick.
//!
//! The comparison is "at or after", so an alarm that is set too late comes at once.

use core::cell::Cell;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use critical_section::Mutex;
use giambio_core::{Clock as _, Tick, Until};
use kit::Peripheral;
use riscv::interrupt::Interrupt;

static SLEEPS: AtomicU32 = AtomicU32::new(0);

// SAFETY: the core-local interruptor; it touches no memory.
pub(crate) const CLINT: Peripheral<0x1_0000> = unsafe { Peripheral::at(0x0200_0000) };
const COMPARE: usize = 0x4000;
const TIME: usize = 0xbff8;

/// Ticks of 100 ns since the start.
#[derive(Clone, Copy)]
pub struct Clock;

impl giambio_core::Clock for Clock {
    const HZ: u64 = 10_000_000;

    fn now(&self) -> Tick {
        // Two reads make 64 bits; if the upper half moved in between, again.
        loop {
            let high = CLINT.read(TIME + 4);
            let low = CLINT.read(TIME);
            if high == CLINT.read(TIME + 4) {
                return Tick(u64::from(high) << 32 | u64::from(low));
            }
        }
    }
}

/// Sleeps until then, or an interrupt.
pub fn sleep(until: Until) {
    ALARM.set(match until {
        Until::At(tick) => tick.0,
        _ => u64::MAX,
    });
    SLEEPS.store(SLEEPS.load(Relaxed).wrapping_add(1), Relaxed);
    riscv::asm::wfi();
}

/// How often the processor has gone to sleep.
pub fn sleeps() -> u32 {
    SLEEPS.load(Relaxed)
}

/// One compare register for two users: the sleep, and `every`.
struct Alarm {
    deadline: Mutex<Cell<u64>>,
    period: Mutex<Cell<u64>>,
    next: Mutex<Cell<u64>>,
    handler: Mutex<Cell<fn()>>,
}

static ALARM: Alarm = Alarm {
    deadline: Mutex::new(Cell::new(u64::MAX)),
    period: Mutex::new(Cell::new(0)),
    next: Mutex::new(Cell::new(u64::MAX)),
    handler: Mutex::new(Cell::new(|| {})),
};

impl Alarm {
    fn set(&self, deadline: u64) {
        critical_section::with(|cs| {
            self.deadline.borrow(cs).set(deadline);
            let alarm = deadline.min(self.next.borrow(cs).get());
            CLINT.write(COMPARE + 4, u32::MAX); // no alarm half-way
            CLINT.write(COMPARE, alarm as u32);
            CLINT.write(COMPARE + 4, (alarm >> 32) as u32);
        });
    }
}

/// Calls `handler` every `period` (100 ns and more) from an interrupt: stands for a sensor.
pub fn every(period: Duration, handler: fn()) {
    let period = (period.as_nanos() / 100) as u64;
    critical_section::with(|cs| {
        ALARM.period.borrow(cs).set(period);
        ALARM.next.borrow(cs).set(Clock.now().0 + period);
        ALARM.handler.borrow(cs).set(handler);
        ALARM.set(ALARM.deadline.borrow(cs).get());
    });
}

/// Ends `every`.
pub(crate) fn never() {
    critical_section::with(|cs| {
        ALARM.next.borrow(cs).set(u64::MAX);
        ALARM.set(ALARM.deadline.borrow(cs).get());
    });
}

pub(crate) fn start() {
    ALARM.set(u64::MAX);
    // SAFETY: the handler is below, and no critical section relies on this mask.
    unsafe { riscv::interrupt::enable_interrupt(Interrupt::MachineTimer) };
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn machine_timer() {
    let now = Clock.now().0;
    let handler = critical_section::with(|cs| {
        let next = ALARM.next.borrow(cs);
        let is_due = next.get() <= now;
        if is_due {
            next.set(next.get().saturating_add(ALARM.period.borrow(cs).get()));
        }
        // The sleep is over; the next one sets its own alarm.
        ALARM.set(u64::MAX);
        is_due.then(|| ALARM.handler.borrow(cs).get())
    });
    if let Some(handler) = handler {
        handler();
    }
}
