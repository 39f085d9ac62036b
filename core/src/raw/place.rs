//! Memory for children: what a [`Storage`](crate::Storage) does for the cells.

use core::ptr::NonNull;

use super::block::Block;

/// Memory for a child, and its control block.
#[allow(missing_debug_implementations)]
pub struct Claim {
    pub(crate) memory: NonNull<u8>,
    pub(crate) block: &'static Block,
}

/// # Safety
/// Memory that was claimed is neither moved nor reused before it is released
/// (NEVER-REUSED-UNDROPPED).
pub unsafe trait Place {
    /// Memory for a `C`, if there is room.
    fn claim<C>(&self) -> Option<Claim>;

    /// Memory for a `C`, as soon as there is room.
    fn room<C>(&self) -> impl Future<Output = Claim>;

    /// Gives memory back.
    ///
    /// # Safety
    /// It was claimed here for a `C`, and nothing refers to it any more.
    unsafe fn release<C>(&self, memory: NonNull<u8>);
}
