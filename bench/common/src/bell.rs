//! A thread that wakes a task, and measures how long that takes.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{move_to_other_cpu, spin};

/// The task's end.
#[derive(Debug)]
pub struct Bell {
    shared: Arc<Shared>,
    ringer: JoinHandle<()>,
    times: u64,
}

#[derive(Debug)]
struct Shared {
    start: Instant,
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
    at: AtomicU64,
    answered: AtomicU64,
}

impl Bell {
    /// Begins to ring on another CPU, so many times, each 60 µs after the last was heard: the loop is asleep by then.
    pub fn new(times: u64) -> Bell {
        let shared = Arc::new(Shared {
            start: Instant::now(),
            rung: AtomicBool::new(false),
            waker: Mutex::new(None),
            at: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        let theirs = shared.clone();
        let ringer = std::thread::spawn(move || {
            move_to_other_cpu();
            for i in 0..times {
                spin(Duration::from_micros(60));
                theirs.at.store(theirs.now(), SeqCst);
                theirs.rung.store(true, SeqCst);
                let waker = theirs.waker.lock().unwrap().take();
                if let Some(waker) = waker {
                    waker.wake();
                }
                while theirs.answered.load(SeqCst) <= i {
                    std::hint::spin_loop();
                }
            }
        });
        Bell { shared, ringer, times }
    }

    /// Hears them all, and returns how long each took to be heard, in nanoseconds.
    pub async fn hear(self) -> Vec<u64> {
        let mut late = Vec::with_capacity(self.times as usize);
        for _ in 0..self.times {
            poll_fn(|cx| {
                if !self.shared.rung.swap(false, SeqCst) {
                    *self.shared.waker.lock().unwrap() = Some(cx.waker().clone());
                    if !self.shared.rung.swap(false, SeqCst) {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(())
            })
            .await;
            late.push(self.shared.now() - self.shared.at.load(SeqCst));
            self.shared.answered.fetch_add(1, SeqCst);
        }
        self.ringer.join().unwrap();
        late
    }
}

impl Shared {
    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}
