//! Into the asynchronous world and out again: `giambio::run`.
//!
//! An `async fn` does nothing when it is called; it does it when it is awaited. Only `async` code can await, so
//! something else has to make the first step. `run` does: it takes a future, drives it to its end and returns its value.
//!
//! ```text
//! Hello, world!
//! foo returned 42
//! ```

async fn foo() -> u32 {
    println!("Hello, world!");
    42
}

fn main() {
    let answer = giambio::run(foo());
    println!("foo returned {answer}");
}
