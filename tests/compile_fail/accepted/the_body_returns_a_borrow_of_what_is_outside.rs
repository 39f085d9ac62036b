//! The value of a nursery may borrow from outside it.

use giambio::{nursery, run};

async fn longest(words: &[String]) -> Result<&str, ()> {
    nursery(async |n| {
        let tasks: Vec<_> = words.iter().map(|word| n.spawn_value(async move { Ok(word.as_str()) })).collect();
        let mut longest = "";
        for task in tasks {
            let word = task.await.unwrap();
            if word.len() > longest.len() {
                longest = word;
            }
        }
        Ok(longest)
    })
    .await
}

#[test]
fn of_the_body_and_of_a_child() {
    let words = ["a", "structured", "program"].map(str::to_owned);
    assert_eq!(run(longest(&words)), Ok("structured"));
}
