//! Which sources are registered, by the key that the system knows.

use std::rc::Rc;

use super::readiness::{AGAIN, Direction, Directions, Signal};
use crate::foreign::First;

/// Names a slot of a [`Registry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) u32);

impl Key {
    /// Of what is in no table; an `Option` would take twice the room.
    pub(super) const NONE: Key = Key(u32::MAX);
}

/// One event: a key and the news about both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) key: Key,
    pub(super) read: Signal,
    pub(super) write: Signal,
}

/// What is registered: what is known of a source, and with whom it is.
pub(super) struct Entry<R> {
    pub(super) directions: Directions,
    pub(super) reactor: Rc<R>,
}

impl<R> Entry<R> {
    /// The registration is another process's. Who waits is woken, to try and to register anew.
    pub(super) fn lose(&self, first: &mut First) {
        self.directions.lose();
        for direction in [Direction::Read, Direction::Write] {
            if let Some(waker) = self.directions.of(direction).event(AGAIN) {
                first.catch(|| waker.wake());
            }
        }
    }
}

/// What is registered, by the key that the system knows. Slots are reused.
pub(super) struct Registry<T> {
    slots: Vec<Option<Rc<T>>>,
    free: Vec<Key>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Registry { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Registry<T> {
    pub(super) fn insert(&mut self, entry: Rc<T>) -> Key {
        if let Some(key) = self.free.pop() {
            self.slots[key.0 as usize] = Some(entry);
            return key;
        }
        let index = u32::try_from(self.slots.len()).map(Key).ok().filter(|key| *key != Key::NONE);
        let key = index.expect("fewer than 2^32 - 1 sockets are open");
        self.slots.push(Some(entry));
        key
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.slots[key.0 as usize] = None;
        self.free.push(key);
    }

    /// All that was registered.
    pub(super) fn entries(self) -> impl Iterator<Item = Rc<T>> {
        self.slots.into_iter().flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whom an event is for. One that comes late, when its slot was freed, is for nobody; or, when the slot
    /// was reused, for its new user, whom it costs a call in vain.
    pub(super) fn get(&self, key: Key) -> Option<Rc<T>> {
        self.slots.get(key.0 as usize)?.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_and_late_events_are_for_nobody() {
        let mut registry = Registry::<()>::default();
        let key = registry.insert(Rc::default());
        assert_eq!(registry.len(), 1);
        registry.remove(key);
        assert_eq!(registry.len(), 0);
        assert!(registry.get(key).is_none() && registry.get(Key(99)).is_none());
        assert_eq!(registry.insert(Rc::default()), key);
        assert!(registry.get(key).is_some());
    }
}
