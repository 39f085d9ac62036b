//! A scope as the tree of scopes knows it: where it is, what is at work inside, and its marks.
//!
//! Each task, nursery, cancel scope and shield has a [`Node`]. All but tasks lie in the code of a task, and are a [`SubScope`].

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;

use super::listed::{Inside, Listed};
use crate::fault::fault;
use crate::kernel::list::{Linked, Links, List};
use crate::kernel::mask::Half;
use crate::kernel::used::{CANCELS, HOLDS, is_anything_watched, may_be_cut_off};
use crate::kernel::waker_cell::WakerCell;
use crate::reason::Reason;

/// This scope itself was cancelled.
pub(crate) const CANCELLED: u16 = 1;
/// A scope around this one was cancelled, with no shield in between. Never on a shield.
pub(crate) const CUT_OFF: u16 = 1 << 1;
/// Its deadline has passed: one last poll, then it is cancelled.
pub(crate) const EXPIRED: u16 = 1 << 2;
/// Keeps the scopes around it from being dropped: a shield, a clean-up to come.
pub(crate) const HOLD: u16 = 1 << 3;
/// What is inside isn't cancelled by what is outside.
pub(crate) const SHIELD: u16 = 1 << 4;
/// Is in the list of what its parent has to know of; see [`tree`](super::tree).
pub(crate) const WATCHED: u16 = 1 << 5;
/// Was polled last with a waker that isn't its task's.
pub(crate) const FOREIGN: u16 = 1 << 6;
/// Its code is on the stack; not on tasks, and on nurseries (which have `BUSY`).
pub(crate) const POLLING: u16 = 1 << 7;
/// To be woken by the cancellation under way.
pub(crate) const WAKE: u16 = 1 << 8;
/// Was woken to show that somebody polls it still, and was not polled since; see [`asking`](super::asking).
pub(crate) const ASKED: u16 = 1 << 9;
/// Something in it has answered, and it was not at rest since.
pub(crate) const HEARD: u16 = 1 << 10;
/// A task; starts its [`Header`](crate::kernel::task::header::Header).
pub(crate) const TASK: u16 = 1 << 11;
/// The root task of a runtime; starts a header too.
pub(crate) const ROOT: u16 = 1 << 12;
/// Starts a nursery's [`Children`](crate::kernel::nursery::children::Children).
pub(crate) const NURSERY: u16 = 1 << 13;
/// Starts a [`Timed`](crate::kernel::deadline::Timed).
pub(crate) const TIMED: u16 = 1 << 14;
/// A task that is over, one way or another.
pub(crate) const DONE: u16 = 1 << 15;

/// Was asked to come to an end; among `more` of what is no task.
pub(super) const ASKED_TO_STOP: u8 = 1;
/// Came to its place when a scope around had been asked, and those who wait for that were told.
pub(super) const TOLD_TO_STOP: u8 = 1 << 1;
/// What had been `HEARD` was asked once more; among `more` of all.
const ASKED_ONCE_MORE: u8 = 1 << 7;

/// A scope in the tree.
#[repr(C)]
pub(crate) struct Node {
    /// The scope that polled it last, or null. To be followed while this is polled, or is watched: then that one is alive.
    pub(crate) parent: Cell<*const Node>,
    /// What is watched directly inside, but for the tasks of a nursery, which has lists of its own.
    pub(crate) inside: List<SubScope>,
    /// How many of what is directly inside contribute.
    pub(super) active: Cell<u32>,
    /// Changed only by the code that polls this scope or one around it. `CUT_OFF` is good while it is polled, or is watched.
    flags: Half,
    /// More flags: those of a task, which nobody looks at but its nursery and its handle, or of another scope
    /// [`ASKED_TO_STOP`] and [`TOLD_TO_STOP`].
    pub(crate) more: Cell<u8>,
    /// Why the task was dropped and, above, why the scope was cancelled.
    reasons: Cell<u8>,
    /// All that is directly inside, but for the tasks of a nursery: for those who look on.
    pub(crate) scopes: Inside,
}

impl Node {
    pub(crate) const fn new(flags: u16) -> Self {
        Node {
            parent: Cell::new(ptr::null()),
            inside: List::new(),
            active: Cell::new(0),
            flags: Half::new(flags),
            more: Cell::new(0),
            reasons: Cell::new(0),
            scopes: Inside::new(),
        }
    }

    /// A task's begins: all but `inside`, which is empty, with flags of its cell.
    pub(crate) fn begin(&self, parent: *const Node, flags: u16, task: u8) {
        debug_assert!(self.inside.is_empty());
        self.parent.set(parent);
        self.active.set(0);
        self.flags.set(flags);
        self.more.set(task);
        self.reasons.set(0);
    }

    pub(crate) fn flags(&self) -> u16 {
        self.flags.get()
    }

    pub(crate) fn has(&self, flags: u16) -> bool {
        self.flags.get() & flags != 0
    }

    pub(crate) fn set(&self, flags: u16) {
        self.flags.set(self.flags.get() | flags);
    }

    pub(crate) fn clear(&self, flags: u16) {
        self.flags.set(self.flags.get() & !flags);
    }

    pub(crate) fn put(&self, flags: u16, to: bool) {
        if to { self.set(flags) } else { self.clear(flags) }
    }

    pub(super) fn is_asked_once_more(&self) -> bool {
        self.more.get() & ASKED_ONCE_MORE != 0
    }

    pub(super) fn put_asked_once_more(&self, to: bool) {
        let more = self.more.get() & !ASKED_ONCE_MORE;
        self.more.set(if to { more | ASKED_ONCE_MORE } else { more });
    }

    /// Is a shield or a clean-up at work inside?
    pub(crate) fn is_active(&self) -> bool {
        HOLDS.is() && self.active.get() != 0
    }

    /// Must the scopes around this one not be dropped yet?
    pub(crate) fn contributes(&self) -> bool {
        HOLDS.is() && (self.active.get() != 0 || self.has(HOLD))
    }

    /// Is the code in this scope cancelled, by the scope itself or from outside?
    pub(crate) fn is_cancelled(&self) -> bool {
        self.has(CANCELLED | CUT_OFF) && CANCELS.is()
    }

    /// The same, as that code is told: it may be dropped with its nursery, where nothing was ever cancelled. What follows
    /// from a cancellation hangs on `is_cancelled`, so that a program without one has nothing of that.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.has(CANCELLED | CUT_OFF) && may_be_cut_off()
    }

    /// Is it cancelled, with nothing left inside that must run on?
    pub(crate) fn must_drop(&self) -> bool {
        self.is_cancelled() && !self.is_active()
    }

    /// Does something inside hold it, other than itself?
    pub(crate) fn is_held(&self) -> bool {
        self.is_active() && !self.has(SHIELD)
    }

    /// Was this scope itself asked to come to an end?
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        !self.has(TASK | ROOT) && self.more.get() & ASKED_TO_STOP != 0
    }

    /// Is it in the list of what its parent has to know of?
    pub(crate) fn is_watched(&self) -> bool {
        is_anything_watched() && self.has(WATCHED)
    }

    /// Has its deadline passed, with no poll since?
    pub(crate) fn is_expired(&self) -> bool {
        self.has(EXPIRED)
    }

    pub(crate) fn reason(&self) -> Reason {
        Reason::from_code(self.reasons.get() >> 4)
    }

    /// Notes why the scope is cancelled.
    pub(super) fn set_reason(&self, reason: Reason) {
        self.reasons.set(self.reasons.get() & 0xf | reason.code() << 4);
    }

    /// Notes why a task was dropped.
    pub(crate) fn set_end(&self, reason: Reason) {
        self.reasons.set(self.reasons.get() & 0xf0 | reason.code());
    }

    /// Why the task was dropped.
    pub(crate) fn end(&self) -> Reason {
        Reason::from_code(self.reasons.get() & 0xf)
    }
}

/// A scope in the code of a task: a nursery, a cancel scope, a shield.
#[repr(C)]
pub(crate) struct SubScope {
    pub(crate) node: Node,
    links: Links<SubScope>,
    /// Whom to wake so that it is polled: the waker of its last poll. A nursery that is polled with its task's own has none.
    pub(crate) waker: WakerCell,
    pub(crate) listed: Listed,
    _pinned: PhantomPinned,
}

impl SubScope {
    pub(crate) const fn new(flags: u16) -> Self {
        SubScope {
            node: Node::new(flags),
            links: Links::new(),
            waker: WakerCell::new(),
            listed: Listed::new(),
            _pinned: PhantomPinned,
        }
    }
}

impl Linked for SubScope {
    fn links(&self) -> &Links<Self> {
        &self.links
    }
}

impl core::fmt::Debug for SubScope {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SubScope").finish_non_exhaustive()
    }
}

/// Notices the death of a node, and which of those inside comes next, while foreign code runs.
pub(crate) struct Watch {
    /// Null: it died.
    pub(super) top: Cell<*const Node>,
    /// The next one to look at. Null: none.
    pub(super) next: Cell<*const Node>,
    pub(super) outer: *const Watch,
}

impl Watch {
    /// Is what it looks at next this node, or something inside it?
    pub(super) fn comes_to(&self, this: *const Node) -> bool {
        let mut at = self.next.get();
        // SAFETY: KNOWN-PARENT: what is found in the tree is alive.
        while let Some(node) = unsafe { at.as_ref() } {
            if ptr::eq(at, this) {
                return true;
            }
            at = node.parent.get();
            if ptr::eq(at, self.top.get()) || !node.has(WATCHED) || fault!("walks-lost-in-what-is-dropped") {
                return false;
            }
        }
        false
    }
}

/// A struct that starts with a [`SubScope`].
///
/// # Safety
/// `repr(C)`, the scope first, and only ever linked while pinned.
pub(crate) unsafe trait Scoped {
    /// The node; the pointer is good for the whole struct (WHOLE-POINTER).
    fn node_ptr(self: Pin<&Self>) -> *const Node
    where
        Self: Sized,
    {
        ptr::from_ref(self.get_ref()).cast()
    }
}

// SAFETY: it is one.
unsafe impl Scoped for SubScope {}
