//! Who is being polled, and how much it may still do: a few words that belong to whoever polls.
//!
//! An interrupt may poll as well, in the middle of a task's poll; it puts back what it found before it returns, as it
//! does with the registers of the processor. So the code that polls may read and write each of these words without a
//! critical section. What the pointers lead to is another matter: that is looked at inside [`with`](super::port::with)
//! (ONE-CONTEXT), unless it is known to be one's own.

use core::ptr;

use super::block::Block;
use super::cancelling::Ways;
use super::holding::Counting;
use super::node::Node;
use super::port::{Pointer, Word};
use super::root::Root;

/// One thread's, or the program's.
pub(crate) struct Current {
    /// The innermost scope that is being polled.
    pub(crate) node: Pointer<Node>,
    /// The block of the task that is being polled.
    pub(crate) block: Pointer<Block>,
    /// The runtime whose turn it is.
    pub(crate) runtime: Pointer<Root>,
    /// What is left of `POLLS_PER_TURN`.
    pub(crate) polls_left: Word,
    /// Not 0: nurseries may go on where nothing else is ready, up to `POLLS_PER_TURN`.
    pub(crate) bursts: Word,
    /// How much of its `BUDGET` the running task has spent in this poll, in the lower half; in the upper one how often it was
    /// told so.
    pub(crate) spent: Word,
    /// When the task that is being polled was woken.
    pub(crate) since: Word,
    /// Not 0: since the innermost cancelled scope that looks for it began its poll, something that holds it was polled, and
    /// nothing has ceased to hold anything.
    pub(super) answered: Word,
    /// Null until something can be cancelled; then it stays.
    pub(super) ways: Pointer<Ways>,
    /// Null until something can hold; then it stays.
    pub(super) counting: Pointer<Counting>,
}

impl Current {
    pub(crate) const fn new() -> Self {
        Current {
            node: Pointer::new(ptr::null()),
            block: Pointer::new(ptr::null()),
            runtime: Pointer::new(ptr::null()),
            polls_left: Word::new(0),
            bursts: Word::new(0),
            spent: Word::new(0),
            since: Word::new(0),
            answered: Word::new(0),
            ways: Pointer::new(ptr::null()),
            counting: Pointer::new(ptr::null()),
        }
    }
    /// Makes the scope around the current one current again.
    #[inline]
    pub(crate) fn leave(&self, current: *const Node, outer: *const Node) {
        self.check(current);
        self.node.set(outer);
    }

    /// A poll of this node ends. With a state for each thread, polls end in the reverse order of their beginning. Where
    /// two threads or cores share one, the pointers would soon lead nowhere: stop in time.
    #[inline]
    pub(crate) fn check(&self, current: *const Node) {
        if !cfg!(feature = "std") && !ptr::eq(self.node.get(), current) {
            two_at_once();
        }
    }
}

/// Panics while it panics: unwinding must not go on from here.
#[cold]
fn two_at_once() -> ! {
    const WHY: &str = "giambio: two threads or cores polled tasks at once, which takes feature `std`";
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("{WHY}");
        }
    }
    let _bomb = Bomb;
    panic!("{WHY}");
}
