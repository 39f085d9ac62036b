//! Where children live: the heap, or an [`Arena`](crate::Arena) of fixed size.

use crate::kernel::storage::Place;

/// A place for the children of a nursery: [`Heap`] or a `&'static` [`Arena`](crate::Arena).
///
/// It can't be implemented outside of this crate: a place that people get back while a forgotten
/// child lies in it would be reused under that child (law NEVER-REUSED-UNDROPPED).
pub trait Storage: Place {
    /// How many children it holds at most.
    fn capacity(&self) -> usize;
}

/// A storage that always has room, so that spawning can't fail.
#[diagnostic::on_unimplemented(
    message = "`spawn` needs a nursery that always has room, and `{Self}` may be full",
    label = "an arena may be full: `try_spawn` says so, `spawn_wait` waits for room"
)]
pub trait Unbounded: Storage {}

/// Children live on the heap: small ones in memory that the thread keeps for those to come, each large one in an
/// allocation of its own. Needs feature `alloc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap;

#[cfg(feature = "alloc")]
impl Unbounded for Heap {}
