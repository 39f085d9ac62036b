//! Wakers are names: an integer that says which block, with nothing owned and nothing borrowed.
//!
//! * with `alloc`: thread, slot and generation in one word. A name whose generation has passed is
//!   ignored; one whose generation has come round again costs a task one needless poll.
//! * without: the address of a block, which lies in a `static` arena (STATIC-BLOCKS) and so is
//!   good for ever. There is no room for a generation, so a waker kept after its task ended may
//!   cost the next task in that slot one needless poll.
//!
//! `clone` copies the word, `drop` does nothing, `wake` may come from any thread, from an
//! interrupt, and after everything is gone.

use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::ptr;
use core::task::{RawWaker, RawWakerVTable, Waker};

use super::block::Block;
#[cfg(not(feature = "alloc"))]
use super::block::LIVE;
use super::port::with;
use super::state::State;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop_nothing);

fn clone(name: *const ()) -> RawWaker {
    RawWaker::new(name, &VTABLE)
}

fn drop_nothing(_: *const ()) {}

fn wake(name: *const ()) {
    let foreign = with(|state| match resolve(state, name) {
        Target::Here(block) => state.wake_block(block),
        #[cfg(feature = "std")]
        Target::Elsewhere { thread, slot, generation } => {
            super::table::wake_remote(thread, slot, generation);
            None
        }
        Target::Gone => None,
    });
    // NO-CALL-OUT: a waker that isn't ours may do anything, so it is called last.
    if let Some(foreign) = foreign {
        foreign.wake();
    }
}

enum Target {
    Here(&'static Block),
    #[cfg(feature = "std")]
    Elsewhere {
        thread: usize,
        slot: usize,
        generation: u32,
    },
    Gone,
}

#[cfg(feature = "alloc")]
mod imp {
    use super::*;
    use crate::raw::block::GENERATION_BITS;
    use crate::raw::table::SLOT_BITS;

    #[inline]
    pub(super) fn name(state: &State, block: &'static Block) -> *const () {
        let name = (state.thread.get() << (SLOT_BITS + GENERATION_BITS))
            | ((block.slot.get() as usize) << GENERATION_BITS)
            | block.generation() as usize;
        ptr::without_provenance(name)
    }

    /// Thread, slot and generation.
    #[inline]
    pub(super) fn parts(name: *const ()) -> (usize, usize, u32) {
        let name = name.addr();
        let thread = name >> (SLOT_BITS + GENERATION_BITS);
        let slot = (name >> GENERATION_BITS) & ((1 << SLOT_BITS) - 1);
        let generation = (name & ((1 << GENERATION_BITS) - 1)) as u32;
        (thread, slot, generation)
    }

    #[inline]
    pub(super) fn resolve(state: &State, name: *const ()) -> Target {
        let (thread, slot, generation) = parts(name);
        if thread != state.thread.get() {
            #[cfg(feature = "std")]
            return Target::Elsewhere { thread, slot, generation };
            #[cfg(not(feature = "std"))]
            return Target::Gone;
        }
        match state.table.get().and_then(|table| table.block(slot)) {
            Some(block) if block.is_live_in(generation) => Target::Here(block),
            _ => Target::Gone,
        }
    }
}

#[cfg(not(feature = "alloc"))]
mod imp {
    use super::*;

    #[inline]
    pub(super) fn name(_: &State, block: &'static Block) -> *const () {
        ptr::from_ref(block).cast()
    }

    #[inline]
    pub(super) fn resolve(_: &State, name: *const ()) -> Target {
        // SAFETY: only `name` makes our wakers, from a block, and STATIC-BLOCKS.
        let block: &'static Block = unsafe { &*name.cast::<Block>() };
        if block.has(LIVE) { Target::Here(block) } else { Target::Gone }
    }
}

use imp::resolve;

/// The name of a block, as an integer.
#[inline]
pub(crate) fn name(state: &State, block: &'static Block) -> usize {
    imp::name(state, block).addr()
}

/// The waker of a block, borrowed: it needs no drop.
#[inline]
pub(crate) fn waker(state: &State, block: &'static Block) -> ManuallyDrop<Waker> {
    // SAFETY: the functions of the table keep the contract of `RawWaker`: they are thread-safe,
    // and since a name owns nothing, clones and drops need no count.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(imp::name(state, block), &VTABLE)) })
}

/// Posts a wake to the inbox of its thread, even if that is this one. Atomics only.
#[cfg(feature = "std")]
pub(crate) fn post(waker: &Waker) -> bool {
    if !ptr::eq(waker.vtable(), &VTABLE) {
        return false;
    }
    let (thread, slot, generation) = imp::parts(waker.data());
    super::table::wake_by_signal(thread, slot, generation);
    true
}

/// Is this the waker of the task that is being polled?
#[inline]
pub(crate) fn is_of_current(state: &State, waker: &Waker) -> bool {
    // SAFETY: STATIC-BLOCKS.
    let current = unsafe { state.block.get().as_ref() };
    ptr::eq(waker.vtable(), &VTABLE)
        && current.is_some_and(|block| imp::name(state, block).addr() == waker.data().addr())
}

/// Keeps a waker for later; says whether it was the one kept before.
///
/// Cloning and dropping a foreign waker runs foreign code, so neither happens inside `with`
/// (NO-CALL-OUT), and a waker that is kept already is not cloned again.
#[inline]
pub(crate) fn keep(place: &Cell<Option<Waker>>, new: &Waker) -> bool {
    let known = with(|_| {
        let old = place.take();
        let known = old.as_ref().is_some_and(|old| old.will_wake(new));
        place.set(old);
        known
    });
    if !known {
        let new = new.clone();
        drop(with(|_| place.replace(Some(new))));
    }
    known
}

/// The block that a waker names, if it is one of ours, of this thread, and not stale.
#[inline]
pub(crate) fn block_of(state: &State, waker: &Waker) -> Option<&'static Block> {
    if !ptr::eq(waker.vtable(), &VTABLE) {
        return None;
    }
    match resolve(state, waker.data()) {
        Target::Here(block) => Some(block),
        _ => None,
    }
}
