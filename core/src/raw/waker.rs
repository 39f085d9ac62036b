//! Wakers are names: an integer that says which block, with nothing owned and nothing borrowed.
//!
//! * with `alloc`: generation, thread and slot in one word, which the slot's block knows too: a name that isn't its
//!   block's is stale, or another thread's. One whose generation has come round again costs a task one needless poll.
//! * without: the address of a block, which lies in a `static` arena (STATIC-BLOCKS) and so is
//!   good for ever. There is no room for a generation, so a waker kept after its task ended may
//!   cost the next task in that slot one needless poll.
//!
//! `clone` copies the word, `drop` does nothing, `wake` may come from any thread, from an
//! interrupt, and after everything is gone.

use core::cell::Cell;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr;
use core::task::{RawWaker, RawWakerVTable, Waker};

use super::block::Block;
use super::current::Current;
use super::foreign;
use super::port::with;
use super::state::State;
use crate::fault::fault;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop_nothing);

fn clone(name: *const ()) -> RawWaker {
    RawWaker::new(name, &VTABLE)
}

fn drop_nothing(_: *const ()) {}

/// Most wakes need no call, and so no frame on the stack.
#[cfg(feature = "std")]
fn wake(name: *const ()) {
    if !with(|state| imp::find(state, name).is_some_and(|block| state.wakes_simply(block))) {
        wake_anyhow(name);
    }
}

/// Most wakes come from interrupts, to a program that sleeps: they go all the way up.
#[cfg(not(feature = "std"))]
fn wake(name: *const ()) {
    wake_anyhow(name);
}

#[cfg_attr(feature = "std", cold, inline(never))]
#[cfg_attr(not(feature = "std"), inline(always))]
fn wake_anyhow(name: *const ()) {
    let foreign = with(|state| match imp::named(state, name) {
        Some(block) => state.wake_inline(block),
        None => {
            imp::wake_elsewhere(state, name);
            None
        }
    });
    // NO-CALL-OUT: a waker that isn't ours may do anything, so it is called last.
    if let Some(foreign) = foreign {
        foreign.wake();
    }
}

#[cfg(feature = "alloc")]
mod imp {
    use super::super::table;
    use super::*;

    #[inline]
    pub(super) fn name(block: &'static Block) -> *const () {
        ptr::without_provenance(block.name())
    }

    /// Which thread's, which place, how many tasks were there before: what isn't 0 of the first and the last.
    pub(super) fn say(name: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "std")]
        if table::thread_of(name) != 0 {
            write!(f, "{}/", table::thread_of(name))?;
        }
        write!(f, "{}", table::slot_of(name) - table::FIRST)?;
        match name / table::GENERATION {
            0 => Ok(()),
            before => write!(f, ".{before}"),
        }
    }

    /// The block to wake, which may be free.
    pub(super) use find as named;

    /// The block of a name of this thread, if it is in that generation; free, if that has come round.
    #[inline]
    pub(super) fn find(state: &State, name: *const ()) -> Option<&'static Block> {
        state.index.find(name.addr())
    }

    /// The name is stale, or another thread's.
    #[cold]
    pub(super) fn wake_elsewhere(state: &State, name: *const ()) {
        #[cfg(feature = "std")]
        if !state.is_mine(name.addr()) {
            crate::raw::table::wake_remote(name.addr());
        }
        #[cfg(not(feature = "std"))]
        let _ = (state, name);
    }
}

#[cfg(not(feature = "alloc"))]
mod imp {
    use super::*;

    #[inline]
    pub(super) fn name(block: &'static Block) -> *const () {
        ptr::from_ref(block).cast()
    }

    /// How far from this crate's own memory, which is nearby: other than an address, a small number.
    pub(super) fn say(name: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = with(|state| ptr::from_ref(state).addr());
        let (distance, is_before) = if name < from { (from - name, 1) } else { (name - from, 0) };
        write!(f, "{}", distance / align_of::<Block>() * 2 + is_before)
    }

    /// The block to wake, which may be free.
    #[inline]
    pub(super) fn named(_: &State, name: *const ()) -> Option<&'static Block> {
        // SAFETY: only `name` makes our wakers, from a block, and STATIC-BLOCKS.
        Some(unsafe { &*name.cast::<Block>() })
    }

    /// The block, if it is live.
    #[inline]
    pub(super) fn find(state: &State, name: *const ()) -> Option<&'static Block> {
        named(state, name).filter(|block| block.is_live())
    }

    #[inline]
    pub(super) fn wake_elsewhere(_: &State, _: *const ()) {}
}

/// Writes a name, as an integer, for people.
pub(crate) fn say(name: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    imp::say(name, f)
}

/// The name of a block, as an integer.
#[inline]
pub(crate) fn name(block: &'static Block) -> usize {
    imp::name(block).addr()
}

/// The waker of a block, borrowed: it needs no drop.
#[inline]
pub(crate) fn waker(block: &'static Block) -> ManuallyDrop<Waker> {
    // SAFETY: the functions of the table keep the contract of `RawWaker`: they are thread-safe,
    // and since a name owns nothing, clones and drops need no count.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(imp::name(block), &VTABLE)) })
}

/// Posts a wake to the inbox of its thread, even if that is this one. Atomics only.
#[cfg(feature = "std")]
pub(crate) fn post(waker: &Waker) -> bool {
    if !is_ours(waker) {
        return false;
    }
    super::table::wake_by_signal(waker.data().addr());
    true
}

#[inline]
fn is_ours(waker: &Waker) -> bool {
    ptr::eq(waker.vtable(), &VTABLE)
}

/// The block of the task that is being polled, if this is its waker.
#[inline]
pub(crate) fn block_of_current(now: &Current, waker: &Waker) -> Option<&'static Block> {
    // SAFETY: STATIC-BLOCKS.
    let current = unsafe { now.block.get().as_ref() };
    current.filter(|block| is_ours(waker) && name(block) == waker.data().addr())
}

/// A waker that is kept for later, or none. Touched inside `with` (ONE-CONTEXT), or under one and the same lock.
pub(crate) struct Kept(Cell<Option<Waker>>);

impl Kept {
    pub(crate) const fn new() -> Self {
        Kept(Cell::new(None))
    }

    #[inline]
    fn peek(&self) -> Option<&Waker> {
        // SAFETY: ONE-CONTEXT, and the callers compare it and look at its parts, no more: nothing replaces it meanwhile.
        unsafe { (*self.0.as_ptr()).as_ref() }
    }

    /// Is this the one?
    #[inline]
    pub(crate) fn is(&self, waker: &Waker) -> bool {
        self.peek().is_some_and(|kept| kept.will_wake(waker))
    }

    /// The block that it names, if it is one of ours, of this thread, and not stale. A free one may have the name again.
    #[inline]
    pub(crate) fn block(&self, state: &State) -> Option<&'static Block> {
        let block = self.peek().filter(|waker| is_ours(waker)).and_then(|waker| imp::find(state, waker.data()))?;
        (block.is_live() || fault!("free-block-queued")).then_some(block)
    }

    /// Takes it out.
    #[inline]
    pub(crate) fn take(&self) -> Option<Waker> {
        // Most often there is none, which needs no write.
        if self.peek().is_none() { None } else { self.0.take() }
    }

    /// Takes it out if it isn't one of ours that is still good: what has to be called as it is. Of ours, the block.
    #[inline]
    pub(crate) fn take_foreign(&self, state: &State) -> Result<&'static Block, Option<Waker>> {
        self.block(state).ok_or_else(|| self.take())
    }

    /// Keeps another; inside `with`. What was kept before is to be dropped outside.
    #[inline]
    pub(crate) fn replace(&self, new: Waker) -> Option<Waker> {
        self.0.replace(Some(new))
    }

    /// Keeps a waker; says whether it was the one kept before. Call it outside of `with`.
    ///
    /// Cloning and dropping a foreign waker runs foreign code, so neither happens inside `with`
    /// (NO-CALL-OUT), and a waker that is kept already is not cloned again.
    #[inline]
    pub(crate) fn keep(&self, new: &Waker) -> bool {
        let known = with(|_| self.is(new));
        if !known {
            let new = new.clone();
            drop(with(|_| self.0.replace(Some(new))));
        }
        known
    }
}

impl Drop for Kept {
    #[inline]
    fn drop(&mut self) {
        // Ours own nothing.
        foreign::discard(self.0.get_mut().take().filter(|waker| !is_ours(waker)));
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::raw::cell::{claim_block, release_block};
    use crate::raw::children::Children;
    use crate::raw::node::{Node, TASK};
    use crate::raw::table::GENERATION;

    /// After as many tasks in a slot as there are generations its block has an old name again.
    #[test]
    fn a_name_that_has_come_round_wakes_no_free_block() {
        let node = Node::new(TASK);
        let block = claim_block().unwrap();
        let old = waker(block);
        for _ in 0..usize::MAX / GENERATION + 1 {
            block.claim(&node);
            with(|state| release_block(state, block));
            assert!(core::ptr::eq(claim_block().unwrap(), block));
        }
        assert_eq!(name(block), old.data().addr());
        old.wake_by_ref();
        assert!(!block.is_live());
        // Nor does a child of a nursery that was polled with it last.
        let nursery = Children::new();
        nursery.node.waker.keep(&old);
        with(|state| state.climb(&nursery)).into_iter().for_each(Waker::wake);
        assert!(!block.is_live());
        block.claim(&node);
        with(|state| release_block(state, block));
    }
}
