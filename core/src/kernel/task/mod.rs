//! Tasks: what all have in common, the cell of a child, its handle.

pub(crate) mod cell;
pub(crate) mod handle;
pub(crate) mod header;
pub(crate) mod id;
pub(crate) mod lifecycle;
pub(crate) mod root;
