//! Memory that is never freed: headers, with room for a child behind them, and what other threads leave there.

pub(crate) mod home;
#[cfg(feature = "std")]
pub(crate) mod mailbox;
#[cfg(feature = "std")]
pub(crate) mod notify;
#[cfg(feature = "std")]
pub(crate) mod page;
#[cfg(feature = "alloc")]
pub(crate) mod slab;
#[cfg(feature = "std")]
pub(crate) mod spare;
