//! Twin: accepted/the_environment_outlives_the_nursery.rs

use std::pin::pin;

use giambio::{nursery, run};

fn main() {
    run(async {
        let words = String::from("structured concurrency");
        let nursery = pin!(nursery(async |n| {
            n.spawn(async {
                println!("{}", words.len());
                Ok::<_, ()>(())
            });
            Ok(())
        }));
        drop(words);
        let _ = nursery.await;
    });
}
