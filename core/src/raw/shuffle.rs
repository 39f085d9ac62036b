//! Another order of a pass, for tests that must not depend on who is polled first: in a runtime that has a seed, as those of
//! [`testing`](crate::testing) may.

use alloc::vec::Vec;
use core::ptr;

use super::block::{Block, ReadyList};
use super::port::with;

/// Reorders the list up to `last` by chance; returns what is last then.
#[cold]
pub(super) fn shuffle(list: &ReadyList, last: *const Block, mut chance: u64) -> *const Block {
    if last.is_null() || with(|_| list.first().is_some_and(|first| ptr::eq(first, last))) {
        return last;
    }
    let mut blocks: Vec<&'static Block> = Vec::new();
    // One at a time, since the allocator isn't ours (NO-CALL-OUT). Nobody else comes to the list meanwhile: its nursery is
    // being polled, and is busy here.
    while let Some(block) = with(|_| list.pop()) {
        blocks.push(block);
        if ptr::eq(block, last) {
            break;
        }
    }
    // Fisher and Yates's, with Steele's splitmix64 for the dice.
    for i in (1..blocks.len()).rev() {
        chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        blocks.swap(i, ((z ^ (z >> 31)) % (i as u64 + 1)) as usize);
    }
    let last = blocks.last().map_or(ptr::null(), |last| ptr::from_ref(*last));
    for block in blocks.into_iter().rev() {
        with(|_| list.push_front(block));
    }
    last
}
