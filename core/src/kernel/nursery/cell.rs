//! A nursery as a whole: its children, and what depends on its types.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::children::{Children, NurseryRef};
use crate::fault::fault;
use crate::kernel::context::with;
use crate::kernel::scope::cancel::{cancel, cancel_child};
use crate::kernel::scope::node::CANCELLED;
use crate::kernel::storage::Place;
use crate::kernel::task::header::TaskRef;
use crate::panics::First;
use crate::reason::Reason;

/// What depends on the types of a nursery: who hears of the children's errors, and has their memory.
pub(crate) trait Owner: Sized {
    type Error;
    type Storage: Place;

    fn storage(&self) -> &Self::Storage;

    /// A child has ended with an error.
    fn child_failed<'n>(nursery: &'n NurseryCell<'n, Self>, error: Self::Error, child: TaskRef);
}

/// A nursery.
///
/// What is borrowed for `'scope`, which is invariant, is borrowed for the rest of its life, and so is where it is for good: its
/// methods ask for that. Children that borrow for `'scope` outlive no child (NESTED-POLL).
#[repr(C)]
pub(crate) struct NurseryCell<'scope, O> {
    children: Children,
    pub(crate) owner: O,
    scope: PhantomData<Cell<&'scope ()>>,
}

impl<'scope, O> NurseryCell<'scope, O> {
    pub(crate) const fn new(owner: O) -> Self {
        NurseryCell { children: Children::new(), owner, scope: PhantomData }
    }

    pub(crate) fn children(&self) -> &Children {
        &self.children
    }

    /// The nursery, good for the whole (WHOLE-POINTER).
    pub(crate) fn pinned(&'scope self) -> NurseryRef {
        // SAFETY: LIVE: borrowed for the rest of its life; its children are gone before it dies (`Close`), and whatever else
        // leads to it leaves it then. `Children` comes first.
        unsafe { NurseryRef::new(NonNull::from(self).cast()) }
    }

    /// Does it take no more children? One that is refused since a scope around is cancelled is missing in what the nursery
    /// would say.
    pub(crate) fn refuses(&self) -> bool {
        self.children.is_closing() && self.refuse()
    }

    #[cold]
    fn refuse(&self) -> bool {
        let is_cut_off = self.children.is_cancelled() && !self.children.node().has(CANCELLED);
        if is_cut_off && !fault!("cancelled-nurseries-are-left") {
            self.children.cut_short.set(true);
        }
        true
    }

    /// Cancels the nursery itself.
    pub(crate) fn cancel(&'scope self, reason: Reason) {
        // SAFETY: alive, where it is for good, and made from the whole.
        unsafe { cancel(self.pinned().as_ptr().cast(), reason) };
    }

    /// Cancels each child that runs.
    pub(crate) fn cancel_children(&'scope self, reason: Reason) {
        cancel_children(self.pinned(), reason);
    }

    /// Why the nursery takes no more children.
    pub(crate) fn closing_reason(&'scope self) -> Reason {
        with(|context| context.reason_at(self.pinned().as_ptr().cast())).unwrap_or(Reason::RaceWon)
    }
}

/// Cancels each child that runs; the nursery itself isn't cancelled.
pub(crate) fn cancel_children(nursery: NurseryRef, reason: Reason) {
    let mut first = First::new();
    nursery.each(|task| first.catch(|| cancel_child(task, reason)));
    first.resume();
}
