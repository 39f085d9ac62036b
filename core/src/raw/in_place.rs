//! Large values where they are: what drops them without moving them first.
//!
//! A build without optimization copies a value wherever the source moves it, and each copy has room of its own in its
//! function's frame, for as long as that function runs. What a nursery polls inside its own poll adds up.

use core::pin::Pin;

/// Drops what is in `place`, there. [`Pin::set`] does the same, by way of a whole `None`, as large as the value, in the
/// frame of who calls it.
#[inline]
pub(crate) fn clear<T>(place: Pin<&mut Option<T>>) {
    // SAFETY: nothing is moved out; the value is dropped where it was pinned.
    unsafe { *place.get_unchecked_mut() = None };
}
