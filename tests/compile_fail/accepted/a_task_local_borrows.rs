//! A key that is borrowed from around has values that borrow.

use giambio::{TaskLocal, run};

fn count<'short>(words: &'short [String], key: &TaskLocal<&'short [String]>) -> usize {
    run(key.set(words, async { key.with(|words| words.map_or(0, |words| words.len())) }))
}

#[test]
fn and_finds_them() {
    let words = vec![String::from("structured"), String::from("concurrency")];
    let key = TaskLocal::new();
    assert_eq!(count(&words, &key), 2);
}
