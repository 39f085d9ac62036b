//! `docs/testing.md` names tests; here is held that they exist.

use std::path::Path;

use super::sources;
use crate::shell::read;

/// Where tests are.
const FOLDERS: [&str; 11] = [
    "core/src/kernel",
    "core/tests",
    "integrations/tokio/tests",
    "std-adapter/src",
    "std-adapter/tests",
    "tests/book/tests",
    "tests/firmware/boards/tests",
    "tests/firmware/conformance",
    "tests/fuzz/tests",
    "tests/interrupts/tests",
    "tests/scenarios",
];

/// The `file::test` pairs of a page.
fn named(page: &str) -> Vec<(String, String)> {
    let code = page.split('`').skip(1).step_by(2);
    let pairs = code.filter_map(|code| code.split_once("::"));
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    // A test's name is a sentence; `testing::run` is not one.
    let pairs = pairs.filter(|(file, test)| is_name(file) && is_name(test) && test.contains('_') && *file != "giambio");
    pairs.map(|(file, test)| (file.to_owned(), test.to_owned())).collect()
}

/// The names by which the page calls a file: its own, and its folder's.
fn calls(path: &str) -> [Option<&str>; 2] {
    let path = Path::new(path);
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    [stem, folder]
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = read("docs/testing.md").unwrap();
    let named = named(&page);
    assert!(named.len() > 100, "only {} names were found", named.len());
    let sources: Vec<_> = FOLDERS.into_iter().flat_map(sources).collect();
    for (file, test) in named {
        let is_it = |(path, text): &(String, String)| {
            calls(path).contains(&Some(&file)) && text.contains(&format!("fn {test}("))
        };
        let is_there = sources.iter().any(is_it);
        assert!(is_there, "docs/testing.md names {file}::{test}, which does not exist");
    }
}

#[test]
fn a_name_is_two_words_in_code() {
    let page = "`time::a_test`, `giambio::testing`, `testing::run`, `cargo test`, time::no_code, `Foo::bar_baz`";
    assert_eq!(named(page), [("time".to_owned(), "a_test".to_owned())]);
}
