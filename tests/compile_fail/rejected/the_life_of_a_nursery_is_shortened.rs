//! Twin: accepted/the_nursery_stays_inside.rs

use giambio::Nursery;

fn shorten<'short, 'scope: 'short, 'env, E>(n: Nursery<'scope, 'env, E>) -> Nursery<'short, 'env, E> {
    n
}

fn main() {}
