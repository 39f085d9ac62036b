//! Sets of futures. Variants: `unordered` (FuturesUnordered of futures), `buffered` (that of futures-buffered).

use std::future::Future;

use bench_common::argument;
use futures::StreamExt;
use micro_suite::{Set, main_of_set};

macro_rules! set {
    ($name:ident, $set:ident) => {
        struct $name;

        impl Set for $name {
            type Of<F: Future> = $set::FuturesUnordered<F>;

            fn empty<F: Future>() -> Self::Of<F> {
                Self::Of::new()
            }

            fn push<F: Future>(set: &mut Self::Of<F>, future: F) {
                set.push(future)
            }

            fn next<F: Future>(set: &mut Self::Of<F>) -> impl Future<Output = Option<F::Output>> {
                StreamExt::next(set)
            }
        }
    };
}

use futures::stream as futures_unordered;
set!(Unordered, futures_unordered);
set!(Buffered, futures_buffered);

fn main() {
    let block_on = futures_lite::future::block_on;
    match argument(1).as_deref() {
        Some("unordered") => main_of_set::<Unordered>(block_on),
        Some("buffered") => main_of_set::<Buffered>(block_on),
        variant => panic!("no variant {variant:?}"),
    }
}
