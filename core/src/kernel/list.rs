//! A first-in, first-out list through links that lie in its members: it needs no memory, and never fills up.
//!
//! The list is circular, so one word leads to both ends. Links are `Some` exactly while their owner is in a list.

use core::cell::Cell;

use super::pin_ref::PinRef;

/// Where a value is in a list.
pub(crate) struct Links<T> {
    prev: Cell<Option<PinRef<T>>>,
    next: Cell<Option<PinRef<T>>>,
}

/// What can be in a list.
pub(crate) trait Linked: Sized {
    fn links(&self) -> &Links<Self>;
}

/// The list; the first member came first.
pub(crate) struct List<T> {
    first: Cell<Option<PinRef<T>>>,
}

impl<T> Links<T> {
    pub(crate) const fn new() -> Self {
        Links { prev: Cell::new(None), next: Cell::new(None) }
    }

    /// Where it is in a structure of another kind, which uses the same links.
    pub(crate) fn set(&self, prev: Option<PinRef<T>>, next: Option<PinRef<T>>) {
        self.prev.set(prev);
        self.next.set(next);
    }

    #[cfg(feature = "many-timers")]
    pub(crate) fn set_prev(&self, prev: Option<PinRef<T>>) {
        self.prev.set(prev);
    }

    #[cfg(feature = "many-timers")]
    pub(crate) fn set_next(&self, next: Option<PinRef<T>>) {
        self.next.set(next);
    }

    /// Is its owner in a list?
    pub(crate) fn are_used(&self) -> bool {
        self.next.get().is_some()
    }

    /// What comes before and after; it is in nothing then.
    pub(crate) fn take(&self) -> (Option<PinRef<T>>, Option<PinRef<T>>) {
        (self.prev.take(), self.next.take())
    }
}

impl<T: Linked> List<T> {
    pub(crate) const fn new() -> Self {
        List { first: Cell::new(None) }
    }

    pub(crate) fn first(&self) -> Option<PinRef<T>> {
        self.first.get()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// What comes after a member, if it isn't the last.
    pub(crate) fn after(&self, value: PinRef<T>) -> Option<PinRef<T>> {
        let first = self.first()?;
        value.links().next.get().filter(|next| !next.is(first))
    }

    /// Adds a value at the end.
    ///
    /// # Panics
    /// It is in a list already.
    pub(crate) fn push(&self, value: PinRef<T>) {
        let links = value.links();
        assert!(!links.are_used(), "giambio: a value is in one list at most");
        match self.first.get() {
            None => {
                links.set(Some(value), Some(value));
                self.first.set(Some(value));
            }
            Some(first) => {
                let last = first.links().prev.replace(Some(value));
                links.set(last, Some(first));
                // SAFETY: what is in a list has both links.
                unsafe { last.unwrap_unchecked() }.links().next.set(Some(value));
            }
        }
    }

    /// Adds a value before a member, or at the end.
    ///
    /// # Safety
    /// MEMBER: `next`, if there is one, is in this list.
    ///
    /// # Panics
    /// It is in a list already.
    pub(crate) unsafe fn insert(&self, value: PinRef<T>, next: Option<PinRef<T>>) {
        let Some(next) = next else { return self.push(value) };
        assert!(!value.links().are_used(), "giambio: a value is in one list at most");
        let prev = next.links().prev.replace(Some(value));
        value.links().set(prev, Some(next));
        if let Some(prev) = prev {
            prev.links().next.set(Some(value));
        }
        if self.first.get().is_some_and(|first| first.is(next)) {
            self.first.set(Some(value));
        }
    }

    /// Takes a value out, wherever it is.
    ///
    /// # Safety
    /// MEMBER: it is in this list.
    pub(crate) unsafe fn remove(&self, value: PinRef<T>) {
        let (prev, next) = value.links().take();
        // SAFETY: MEMBER: what is in a list has both.
        let (prev, next) = unsafe { (prev.unwrap_unchecked(), next.unwrap_unchecked()) };
        if next.is(value) {
            self.first.set(None);
            return;
        }
        prev.links().next.set(Some(next));
        next.links().prev.set(Some(prev));
        if self.first.get().is_some_and(|first| first.is(value)) {
            self.first.set(Some(next));
        }
    }

    /// The second becomes the first, and the first the last.
    pub(crate) fn rotate(&self) {
        if let Some(first) = self.first.get() {
            self.first.set(first.links().next.get());
        }
    }

    /// How many there are; takes as long as that.
    pub(crate) fn count(&self) -> usize {
        let Some(first) = self.first() else { return 0 };
        let (mut n, mut at) = (1, first);
        loop {
            // SAFETY: MEMBER: what is in a list has both links.
            at = unsafe { at.links().next.get().unwrap_unchecked() };
            if at.is(first) {
                return n;
            }
            n += 1;
        }
    }

    /// The members, in their order, while nobody changes the list.
    #[cfg(all(test, feature = "std"))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = PinRef<T>> {
        core::iter::successors(self.first.get(), |at| self.after(*at))
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use core::ptr::NonNull;

    use super::*;

    struct Item {
        links: Links<Item>,
        number: usize,
    }

    impl Linked for Item {
        fn links(&self) -> &Links<Item> {
            &self.links
        }
    }

    fn items(count: usize) -> Vec<Item> {
        (0..count).map(|number| Item { links: Links::new(), number }).collect()
    }

    fn at(items: &[Item], number: usize) -> PinRef<Item> {
        // SAFETY: the items outlive the lists of these tests, and are not moved.
        unsafe { PinRef::new(NonNull::from(&items[number])) }
    }

    fn pop(list: &List<Item>) -> Option<PinRef<Item>> {
        let first = list.first()?;
        // SAFETY: MEMBER: it was found there.
        unsafe { list.remove(first) };
        Some(first)
    }

    #[test]
    fn what_came_first_leaves_first() {
        let (items, list) = (items(3), List::new());
        for number in [2, 0, 1] {
            list.push(at(&items, number));
        }
        assert_eq!(list.iter().map(|item| item.number).collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(core::iter::from_fn(|| pop(&list)).map(|item| item.number).collect::<Vec<_>>(), [2, 0, 1]);
        assert!(list.is_empty() && pop(&list).is_none());
    }

    #[test]
    fn random_changes_agree_with_a_queue() {
        let (items, list) = (items(20), List::new());
        let mut model: VecDeque<usize> = VecDeque::new();
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (seed >> 33) as usize % items.len();
            let known = model.iter().position(|known| *known == number);
            match known {
                None => {
                    model.push_back(number);
                    list.push(at(&items, number));
                }
                Some(0) => assert_eq!(pop(&list).map(|item| item.number), model.pop_front()),
                Some(place) => {
                    model.remove(place);
                    // SAFETY: MEMBER: the model has it.
                    unsafe { list.remove(at(&items, number)) };
                }
            }
            assert_eq!(list.first().map(|item| item.number), model.front().copied());
            assert!(list.iter().map(|item| item.number).eq(model.iter().copied()));
        }
    }

    #[test]
    #[should_panic(expected = "in one list at most")]
    fn a_value_in_a_list_is_refused_by_others() {
        let (items, one, other) = (items(2), List::new(), List::new());
        one.push(at(&items, 0));
        one.push(at(&items, 1));
        other.push(at(&items, 0));
    }
}
