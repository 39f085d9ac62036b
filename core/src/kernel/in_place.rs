//! Large values: what moves them once, and drops them where they are.
//!
//! A build without optimization copies a value wherever the source moves it, and each copy has room of its own in its
//! function's frame, for as long as that function runs. What a nursery polls inside its own poll adds up.

use core::mem::MaybeUninit;
use core::pin::Pin;
use core::ptr;

/// Drops what is in `place`, there. [`Pin::set`] does the same, by way of a whole `None`, as large as the value, in the
/// frame of who calls it.
pub(crate) fn clear<T>(place: Pin<&mut Option<T>>) {
    // SAFETY: nothing is moved out; the value is dropped where it was pinned.
    unsafe { *place.get_unchecked_mut() = None };
}

/// A value on its way to the place where it stays. The functions on that way hand on a reference to this, so it is moved
/// twice, here and from here, however many they are.
#[derive(Debug)]
#[repr(u8)]
pub enum Moving<T> {
    Here(T) = 0,
    /// Made by its tag alone.
    Gone = GONE,
}

const GONE: u8 = 1;

impl<T> Moving<T> {
    /// Takes the value, for one that is to hold it.
    pub(crate) fn take(&mut self) -> T {
        let mut value = MaybeUninit::uninit();
        // SAFETY: there is room for one.
        unsafe { self.move_to(value.as_mut_ptr()) };
        // SAFETY: it has just come there.
        unsafe { value.assume_init() }
    }

    /// Moves the value to `place`, which is good for it, and whose content isn't dropped.
    ///
    /// # Safety
    /// `place` may be written to.
    pub(super) unsafe fn move_to(&mut self, place: *mut T) {
        let Moving::Here(value) = self else { unreachable!("a value is moved once") };
        // SAFETY: by contract; and from here on nobody looks at the value where it was: `repr(u8)` has the tag come
        // first, and this one says that there is none.
        unsafe {
            ptr::copy_nonoverlapping(value, place, 1);
            ptr::from_mut(self).cast::<u8>().write(GONE);
        }
    }
}
