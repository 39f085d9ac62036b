//! Twin: accepted/a_generic_function_opens_a_nursery.rs
//! Says: `Storage` is a "sealed trait"

use giambio::Storage;

struct Mine;

impl Storage for Mine {
    fn capacity(&self) -> usize {
        1
    }
}

fn main() {}
