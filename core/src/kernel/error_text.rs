//! The text of an error whose type says nothing about having one.
//!
//! Nurseries ask nothing of their error type, so that anything may be one, and the language can't be asked whether a type
//! has a text. It can be asked which type it is; so those have one that most programs use as they come, and others by
//! [`NurseryScope::show_errors`](crate::NurseryScope::show_errors).

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, string::String};
use core::any::TypeId;
#[cfg(feature = "alloc")]
use core::error::Error;
use core::fmt::Display;
use core::marker::PhantomData;

use crate::reason::{Cancelled, TimedOut};

/// What the error says, if its type is one of those that everybody has.
pub(crate) fn text<E>(error: &E) -> Option<&dyn Display> {
    // SAFETY: none of these has a lifetime but `'_`, the shortest that the error may have, or has any at all; and what
    // is behind a shared reference or in a box may be taken for shorter lived than it is.
    unsafe {
        let found = None.or(taken_for::<E, &str>(error));
        let found = found.or_else(|| taken_for::<E, Cancelled>(error)).or_else(|| taken_for::<E, TimedOut>(error));
        #[cfg(feature = "alloc")]
        let found = found
            .or_else(|| taken_for::<E, String>(error))
            .or_else(|| taken_for::<E, Box<dyn Error + '_>>(error))
            .or_else(|| taken_for::<E, Box<dyn Error + Send + Sync + '_>>(error));
        #[cfg(feature = "std")]
        let found = found.or_else(|| taken_for::<E, std::io::Error>(error));
        found
    }
}

/// The error as a `T`, if it is one.
///
/// # Safety
/// The lifetimes in `T` are no longer than those in `E`, where both are one type but for lifetimes.
unsafe fn taken_for<'e, E, T: Display + 'e>(error: &'e E) -> Option<&'e dyn Display> {
    if id_of::<E>() != id_of::<T>() {
        return None;
    }
    // SAFETY: the same type but for lifetimes, and those are right by contract.
    Some(unsafe { &*core::ptr::from_ref(error).cast::<T>() })
}

/// Which type it is, whatever lifetimes are in it.
fn id_of<T>() -> TypeId {
    trait Known {
        fn id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<T> Known for PhantomData<T> {
        fn id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }
    let nothing = PhantomData::<T>;
    let nothing: &dyn Known = &nothing;
    // SAFETY: only a lifetime is changed, of a type of which there is nothing: `id` looks at no memory, and tells a number.
    unsafe { core::mem::transmute::<&dyn Known, &(dyn Known + 'static)>(nothing) }.id()
}
