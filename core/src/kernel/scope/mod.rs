//! Scopes: who is inside whom, who is cancelled, and who must not be dropped yet.

pub(crate) mod asking;
#[cfg(feature = "alloc")]
pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod entered;
pub(crate) mod listed;
pub(crate) mod node;
pub(crate) mod shields;
pub(crate) mod stop;
pub(crate) mod tree;
pub(crate) mod whole;
