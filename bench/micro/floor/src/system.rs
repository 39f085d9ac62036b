//! With the system alone: timers by waiting in epoll until the next one, a wake by an eventfd.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::Waker;
use std::time::{Duration, Instant};

use bench_common::{Meter, cpu_ns, move_to_other_cpu, spin};

pub(crate) fn fire_timers(n: u64) -> Meter {
    let spread = 1_000_000_000.max(n * 5000);
    let mut late = Vec::with_capacity(n as usize);
    // SAFETY: it takes flags.
    let epoll = unsafe { libc::epoll_create1(0) };
    let cpu = cpu_ns();
    let begin = Instant::now() + Duration::from_millis(200) + Duration::from_micros(4 * n);
    let mut timers = BTreeMap::new();
    for i in 0..n {
        timers.insert((begin + Duration::from_nanos(i * spread / n), i), Waker::noop().clone());
    }
    let mut meter = Meter::new();
    meter.tell("setup_cpu_ns", (cpu_ns() - cpu) as f64 / n as f64);
    meter.start();
    while let Some((&(next, _), _)) = timers.first_key_value() {
        let now = Instant::now();
        if next > now {
            wait(epoll, next - now);
            continue;
        }
        while let Some(first) = timers.first_entry()
            && first.key().0 <= now
        {
            let ((at, _), waker) = first.remove_entry();
            waker.wake();
            late.push(Instant::now().saturating_duration_since(at).as_nanos() as u64);
        }
    }
    meter.stop(n);
    meter.tell_lateness(late);
    meter
}

/// Waits in nanoseconds, where `epoll_wait` has milliseconds.
fn wait(epoll: i32, span: Duration) {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    let time = libc::timespec { tv_sec: span.as_secs() as i64, tv_nsec: span.subsec_nanos().into() };
    // SAFETY: room for one event, a time, no signals.
    unsafe { libc::syscall(libc::SYS_epoll_pwait2, epoll, &mut event, 1, &time, 0usize, 0usize) };
}

pub(crate) fn wake(n: u64) -> Meter {
    let start = Instant::now();
    let rung_at = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let mut late = Vec::with_capacity(n as usize);
    let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
    // SAFETY: the event is ours.
    let (epoll, bell) = unsafe {
        let (epoll, bell) = (libc::epoll_create1(0), libc::eventfd(0, libc::EFD_NONBLOCK));
        assert_eq!(0, libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, bell, &mut event));
        (epoll, bell)
    };
    let theirs = rung_at.clone();
    let mut meter = Meter::new();
    meter.start();
    let ringer = std::thread::spawn(move || {
        move_to_other_cpu();
        for i in 0..n {
            spin(Duration::from_micros(60));
            theirs.0.store(start.elapsed().as_nanos() as u64, SeqCst);
            // SAFETY: eight bytes are there.
            unsafe { libc::write(bell, (&raw const ONE).cast(), 8) };
            while theirs.1.load(SeqCst) <= i {
                std::hint::spin_loop();
            }
        }
    });
    for _ in 0..n {
        // SAFETY: room for one event.
        while unsafe { libc::epoll_wait(epoll, &mut event, 1, -1) } != 1 {}
        late.push(start.elapsed().as_nanos() as u64 - rung_at.0.load(SeqCst));
        rung_at.1.fetch_add(1, SeqCst);
    }
    meter.stop(n);
    ringer.join().unwrap();
    meter.tell_lateness(late);
    meter
}

static ONE: u64 = 1;
