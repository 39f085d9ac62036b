//! Every scope that was polled, in a list of the scope that polled it: so that all of them can be found (feature `introspect`).
//! Without the feature nothing of this is there, neither a byte nor an instruction.
//!
//! What has to be found for the sake of the program is found otherwise: see [`tree`](super::tree). Tasks are in the lists of
//! their nurseries anyway.

#[cfg(feature = "introspect")]
mod imp {
    use core::cell::Cell;
    use core::ptr::{self, NonNull};

    use crate::kernel::list::{Linked, Links, List};
    use crate::kernel::pin_ref::PinRef;

    /// A scope's place in the list of the one around it.
    pub(crate) struct Listed {
        links: Links<Listed>,
        /// The list that it is in; null: none.
        list: Cell<*const Inside>,
        /// The node that it is of.
        node: Cell<*const ()>,
    }

    /// The scopes that a scope was the last to poll.
    pub(crate) struct Inside(List<Listed>);

    impl Linked for Listed {
        fn links(&self) -> &Links<Self> {
            &self.links
        }
    }

    impl Listed {
        pub(crate) const fn new() -> Self {
            Listed { links: Links::new(), list: Cell::new(ptr::null()), node: Cell::new(ptr::null()) }
        }

        /// The scope is polled by another one, or by none that is known; `node` is its node, good for the whole.
        ///
        /// # Safety
        /// LIVE: pinned, and it leaves before it dies, and so does `list`, by `clear`.
        pub(crate) unsafe fn enter(&self, node: *const (), list: Option<&Inside>, cursors: &Cursors) {
            self.leave(cursors);
            self.node.set(node);
            if let Some(list) = list {
                self.list.set(list);
                // SAFETY: LIVE, by contract.
                list.0.push(unsafe { PinRef::new(NonNull::from(self)) });
            }
        }

        /// It is in no list any more.
        pub(crate) fn leave(&self, cursors: &Cursors) {
            // SAFETY: it is in this list, which takes all out before it dies (`clear`).
            if let Some(list) = unsafe { self.list.replace(ptr::null()).as_ref() } {
                cursors.gone(self.node.get());
                // SAFETY: LIVE, as `enter` was promised; MEMBER.
                unsafe { list.0.remove(PinRef::new(NonNull::from(self))) };
            }
        }

        #[cfg(feature = "alloc")]
        pub(crate) fn is_in_a_list(&self) -> bool {
            self.links.are_used()
        }

        /// The node of the next one in the list.
        pub(crate) fn next(&self) -> Option<*const ()> {
            // SAFETY: as above.
            let list = unsafe { self.list.get().as_ref() }?;
            // SAFETY: LIVE, as `enter` was promised.
            list.0.after(unsafe { PinRef::new(NonNull::from(self)) }).map(|next| next.node.get())
        }
    }

    impl Inside {
        pub(crate) const fn new() -> Self {
            Inside(List::new())
        }

        pub(crate) fn first(&self) -> Option<*const ()> {
            self.0.first().map(|first| first.node.get())
        }

        /// The scope around is over. Calls `orphan` with the node of each that was inside.
        pub(crate) fn clear(&self, cursors: &Cursors, orphan: impl Fn(*const ())) {
            while let Some(first) = self.0.first() {
                first.leave(cursors);
                orphan(first.node.get());
            }
        }
    }

    /// Those of one thread who look on, while they are shown something.
    pub(crate) struct Cursors(Cell<*const Cursor>);

    /// One who looks on: what it is shown next; null: nothing, or that has gone meanwhile.
    pub(crate) struct Cursor {
        pub(crate) next: Cell<*const ()>,
        outer: *const Cursor,
    }

    impl Cursors {
        pub(crate) const fn new() -> Self {
            Cursors(Cell::new(ptr::null()))
        }

        /// Begins to look.
        ///
        /// # Safety
        /// The cursor stays where it is until `end`, which comes before the `end` of those that began before.
        pub(crate) unsafe fn begin(&self, cursor: &mut Cursor) {
            cursor.outer = self.0.replace(cursor);
        }

        pub(crate) fn end(&self, cursor: &Cursor) {
            self.0.set(cursor.outer);
        }

        /// A node leaves its place.
        pub(crate) fn gone(&self, node: *const ()) {
            let mut at = self.0.get();
            // SAFETY: a cursor is on the stack of a call that has not returned.
            while let Some(cursor) = unsafe { at.as_ref() } {
                if cursor.next.get() == node {
                    cursor.next.set(ptr::null());
                }
                at = cursor.outer;
            }
        }
    }

    impl Cursor {
        pub(crate) const fn new() -> Self {
            Cursor { next: Cell::new(ptr::null()), outer: ptr::null() }
        }
    }
}

#[cfg(not(feature = "introspect"))]
mod imp {
    pub(crate) struct Listed;
    pub(crate) struct Inside;
    pub(crate) struct Cursors;

    impl Listed {
        pub(crate) const fn new() -> Self {
            Listed
        }

        pub(crate) unsafe fn enter(&self, _: *const (), _: Option<&Inside>, _: &Cursors) {}

        pub(crate) fn leave(&self, _: &Cursors) {}
    }

    impl Inside {
        pub(crate) const fn new() -> Self {
            Inside
        }

        pub(crate) fn clear(&self, _: &Cursors, _: impl Fn(*const ())) {}
    }

    impl Cursors {
        pub(crate) const fn new() -> Self {
            Cursors
        }

        pub(crate) fn gone(&self, _: *const ()) {}
    }
}

pub(crate) use imp::*;
