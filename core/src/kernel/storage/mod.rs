//! Where children live: behind their headers, or apart from them.

pub(crate) mod arena;
#[cfg(feature = "alloc")]
pub(crate) mod heap;
pub(crate) mod slots;

use core::ptr::NonNull;

use super::task::header::TaskRef;
use crate::call_site::CallSite;

/// A header, and memory for a child.
#[allow(missing_debug_implementations)]
pub struct Claim {
    pub(crate) task: TaskRef,
    pub(crate) place: NonNull<u8>,
}

/// A child's header, as a storage knows it.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)]
pub struct Slot(pub(crate) TaskRef);

/// A child whose place is behind what all children have.
#[repr(C)]
pub(super) struct Whole<H, P> {
    head: H,
    pub(super) place: P,
}

/// One whose place is elsewhere.
#[cfg(feature = "alloc")]
#[repr(C)]
pub(super) struct Apart<H> {
    head: H,
    pub(super) place: NonNull<u8>,
}

/// Room for children, each with an `H`, which starts with its header, and a `P`.
///
/// # Safety
/// What was claimed is neither moved nor used otherwise before it is released (NEVER-REUSED-UNDROPPED), and the header never
/// (NEVER-FREED). `place` gives what `claim` gave.
pub unsafe trait Place {
    /// A child's, if there is room.
    ///
    /// # Safety
    /// `H` is `repr(C)`, and starts with a header.
    unsafe fn claim<H, P>(&self) -> Option<Claim>;

    /// A child's, as soon as there is room, which was asked for at `place`.
    ///
    /// # Safety
    /// As [`claim`](Place::claim).
    unsafe fn room<H, P>(&self, place: CallSite) -> impl Future<Output = Claim>;

    /// Has all who wait for room look again at what they wait for it for.
    fn wake_waiting(&self);

    /// Where the `P` of a child is.
    ///
    /// # Safety
    /// It was claimed here for `H` and `P`.
    unsafe fn place<H, P>(slot: Slot) -> NonNull<P>;

    /// Takes it back.
    ///
    /// # Safety
    /// It was claimed here for `H` and `P`, and nothing refers to it any more.
    unsafe fn release<H, P>(&self, slot: Slot);
}
