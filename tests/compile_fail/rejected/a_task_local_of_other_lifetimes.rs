//! Twin: accepted/a_task_local_borrows.rs
//!
//! Who took a short-lived value for a long-lived one would find it when it is gone.

use giambio::TaskLocal;

fn shorten<'key, 'short>(key: &'key TaskLocal<&'static str>) -> &'key TaskLocal<&'short str> {
    key
}

fn main() {}
