//! A deadline, in the future that waits for it.

use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::Waker;

use super::heap::{Alarm, Heap, State, What};
use super::sleeper::Sleeper;
use crate::fault::fault;
use crate::kernel::clock::Current;
use crate::kernel::context::{out_of_order, with};
use crate::kernel::mask::OTHERS_MAY_POLL;
use crate::kernel::pin_ref::PinRef;
use crate::kernel::timer::Timer;
use crate::kernel::waker::Kept;

/// One deadline, in ticks.
pub(crate) struct Entry {
    pub(super) timer: Timer<Alarm>,
}

impl Entry {
    pub(crate) const fn sleeping(until: u64) -> Self {
        Self::new(What::Wake { waker: Kept::new(), sleeper: Sleeper::new() }, until)
    }

    pub(super) const fn new(what: What, deadline: u64) -> Self {
        Entry { timer: Timer::new(Alarm::new(what), deadline) }
    }

    pub(super) fn alarm(&self) -> &Alarm {
        self.timer.with()
    }

    /// Its sleep begins, perhaps anew: in another runtime, while the first one's timers have it still, in the order of its
    /// deadline by that one's clock.
    pub(crate) fn begin(&self, deadline: u64, at_once: bool) {
        if !fault!("sleeps-kept-by-another-runtime") {
            self.disarm();
        }
        self.timer.set_deadline(deadline);
        self.alarm().set(if at_once { State::AtOnce } else { State::Waits });
    }

    /// What a sleep that has not begun ends by.
    pub(crate) fn note(&self, deadline: u64) {
        self.timer.set_deadline(deadline);
    }

    pub(crate) fn has_begun(&self) -> bool {
        !self.alarm().is(State::New)
    }

    /// Had its time passed when the sleep began? Then it yields once and is over.
    pub(crate) fn is_over_at_once(&self) -> bool {
        self.alarm().is(State::AtOnce)
    }

    /// Was it over at once, or has the deadline come?
    pub(crate) fn is_over(&self) -> bool {
        self.alarm().is_over()
    }

    pub(crate) fn is_in(&self, heap: *const Heap) -> bool {
        self.alarm().home.get() == heap
    }

    pub(crate) fn deadline(&self) -> u64 {
        self.timer.deadline()
    }

    /// The deadline is a reading of this clock.
    pub(crate) fn note_rate(&self, clock: &Current) {
        self.alarm().rate.note(clock);
    }

    /// The deadline by this clock, where another runtime may have noted it.
    pub(crate) fn deadline_by(&self, clock: &Current) -> u64 {
        self.alarm().rate.convert(self.deadline(), clock)
    }

    /// Replaces the waker of a sleeping entry.
    pub(crate) fn store_waker(&self, new: &Waker) {
        if let What::Wake { waker, .. } = &self.alarm().what {
            // In one step, since another core may fire it meanwhile. The old one may be foreign: it is dropped outside, when
            // the new one is there (NO-CALL-OUT).
            drop(with(|_| if waker.is(new) { None } else { waker.replace(new.clone()) }));
        }
    }

    /// The current task begins to sleep: told to the debugger when its step has ended, and noted until the deadline.
    pub(crate) fn sleep_begins(&self, clock: &Current, now: u64, until: u64) {
        if let What::Wake { sleeper, .. } = &self.alarm().what {
            sleeper.begins(clock, now, until);
        }
    }

    /// Sets this entry, which is in no heap, in `heap`.
    pub(crate) fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        // SAFETY: LIVE: pinned, and its destructor takes it out.
        let timer = unsafe { PinRef::new(NonNull::from(&self.get_ref().timer)) };
        with(|context| {
            // On another core, or in another thread, that turn may have ended meanwhile.
            if OTHERS_MAY_POLL && !ptr::eq(context.runtime.get(), heap.cast()) {
                out_of_order();
            }
            self.alarm().set(State::Waits);
            self.alarm().home.set(heap);
            // SAFETY: the caller's heap is its runtime's, which is having its turn (PINNED).
            if let Some(heap) = unsafe { heap.as_ref() } {
                // SAFETY: ONE-HOME: it has left the other.
                unsafe { heap.queue.insert(timer, deadline) };
            }
        });
    }

    /// Takes the entry out of its heap.
    pub(crate) fn disarm(&self) {
        // It comes into a heap only by the code that it is in, and so does it here.
        if !self.alarm().home.get().is_null() {
            with(|_| self.leave());
        }
    }

    fn leave(&self) {
        // SAFETY: ONE-HOME, and PINNED for the heap: it forgets its entries when it dies.
        if let Some(heap) = unsafe { self.alarm().home.get().as_ref() } {
            self.alarm().home.set(ptr::null());
            // SAFETY: LIVE: pinned, for it is in a heap; MEMBER: its home says in which.
            unsafe { heap.queue.remove(PinRef::new(NonNull::from(&self.timer))) };
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
