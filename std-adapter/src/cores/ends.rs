//! What ends cores before their time: orders from outside, and the failure of one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use giambio_core::{Cancelled, cancel_scope};

use crate::pool::lock;
use crate::run::{RunError, watch_ctrl_c, watch_orders};
use crate::signal::{CtrlC, Signals};

/// What the cores are ended by, from outside.
#[derive(Clone, Copy)]
pub(super) enum Heeds {
    Nothing,
    CtrlC,
    Orders,
}

impl Heeds {
    pub(super) fn watch(self) -> Result<Option<Orders>, RunError> {
        Ok(match self {
            Heeds::Nothing => None,
            Heeds::CtrlC => Some(Orders::CtrlC(watch_ctrl_c()?)),
            Heeds::Orders => Some(Orders::Orders(watch_orders()?)),
        })
    }
}

/// What a core watches for.
pub(super) enum Orders {
    CtrlC(CtrlC),
    Orders(Signals),
}

/// What asks to stop.
const STOP: u32 = 1;

/// What cancels.
const CANCEL: u32 = 2;

/// The same where nobody was asked to stop.
const CTRL_C: u32 = u32::MAX;

impl Orders {
    /// How many have come.
    fn poll(&mut self, cx: &mut Context<'_>) -> u32 {
        match self {
            Orders::CtrlC(presses) => match presses.poll_pressed(cx) {
                Poll::Ready(_) => CTRL_C,
                Poll::Pending => 0,
            },
            Orders::Orders(orders) => {
                while let Poll::Ready(order) = orders.poll_next(cx) {
                    if order.is_err() {
                        return CANCEL;
                    }
                }
                orders.count()
            }
        }
    }
}

/// What stops all cores, from whichever thread.
pub(super) struct Stop {
    has_failed: AtomicBool,
    /// The most that a core has seen: one that begins late has missed some.
    orders: AtomicU32,
    /// To be woken when something comes.
    cores: Mutex<Vec<Waker>>,
}

impl Stop {
    pub(super) fn new() -> Stop {
        Stop { has_failed: AtomicBool::new(false), orders: AtomicU32::new(0), cores: Mutex::new(Vec::new()) }
    }

    /// A core has failed.
    pub(super) fn now(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// A core has seen so many orders to end.
    fn note(&self, orders: u32) {
        // The look comes first: a write at each poll would have the cores wait for each other's caches.
        if self.orders.load(Ordering::SeqCst) < orders && self.orders.fetch_max(orders, Ordering::SeqCst) < orders {
            self.wake();
        }
    }

    /// A core whose waker comes too late for this sees the mark when it looks, which it does afterwards.
    fn wake(&self) {
        let cores = lock(&self.cores).clone();
        cores.into_iter().for_each(Waker::wake);
    }
}

/// Runs a core's `main`, and ends it when all are to stop or a signal says so.
pub(super) async fn run_with_the_others<R>(
    mut main: Pin<Box<impl Future<Output = R>>>,
    stop: &Stop,
    orders: &mut Option<Orders>,
) -> Result<R, Cancelled> {
    let ended = cancel_scope(async move |scope| {
        let (mut known, mut followed) = (Waker::noop().clone(), 0);
        poll_fn(|cx| {
            if !known.will_wake(cx.waker()) {
                known.clone_from(cx.waker());
                lock(&stop.cores).push(known.clone());
            }
            if !scope.is_cancelled() {
                if let Some(orders) = orders {
                    stop.note(orders.poll(cx));
                }
                let come = stop.orders.load(Ordering::SeqCst);
                // Also where both came before this look: what is in a shield hears of the first alone.
                if followed < STOP && come >= STOP && come != CTRL_C {
                    scope.ask_to_stop();
                }
                followed = come;
                if come >= CANCEL {
                    scope.interrupt();
                } else if stop.has_failed.load(Ordering::SeqCst) {
                    scope.cancel_because("another core has failed");
                }
            }
            main.as_mut().poll(cx)
        })
        .await
    });
    ended.await
}
