//! Twin: accepted/the_environment_outlives_the_nursery.rs

use std::pin::pin;

use giambio::{nursery, run};

fn main() {
    run(async {
        let nursery = {
            let words = String::from("structured concurrency");
            Box::pin(nursery(async |n| {
                n.spawn(async {
                    println!("{}", words.len());
                    Ok::<_, ()>(())
                });
                Ok(())
            }))
        };
        let _ = pin!(nursery).await;
    });
}
