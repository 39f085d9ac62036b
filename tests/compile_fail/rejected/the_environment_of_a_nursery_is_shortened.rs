//! Twin: accepted/the_nursery_stays_inside.rs

use giambio::Nursery;

fn shorten<'scope, 'env, E>(n: Nursery<'scope, 'env, E>) -> Nursery<'scope, 'scope, E> {
    n
}

fn main() {}
