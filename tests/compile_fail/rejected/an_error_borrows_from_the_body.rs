//! Twin: accepted/errors_may_be_words_boxed_or_borrowed.rs

use giambio::{nursery, run};

fn main() {
    let result: Result<(), &str> = run(nursery(async |n| {
        let hosts = String::from("one two");
        n.fail(hosts.as_str());
        Ok(())
    }));
    println!("{result:?}");
}
