//! `docs/testing.md` names tests; here is held that they exist.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::root;

/// Where tests are.
const FOLDERS: [&str; 9] = [
    "core/src/kernel",
    "core/tests",
    "std-adapter/src",
    "std-adapter/tests",
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

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        match path.is_dir() {
            true => rust_files(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The names by which the page calls a file: its own, and its folder's.
fn calls(path: &Path) -> [Option<&str>; 2] {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    [stem, folder]
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let named = named(&page);
    assert!(named.len() > 100, "only {} names were found", named.len());
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| rust_files(&root().join(folder), &mut files));
    for (file, test) in named {
        let is_there = files.iter().filter(|path| calls(path).contains(&Some(&file))).any(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.contains(&format!("fn {test}("))
        });
        assert!(is_there, "docs/testing.md names {file}::{test}, which does not exist");
    }
}

#[test]
fn a_name_is_two_words_in_code() {
    let page = "`time::a_test`, `giambio::testing`, `testing::run`, `cargo test`, time::no_code, `Foo::bar_baz`";
    assert_eq!(named(page), [("time".to_owned(), "a_test".to_owned())]);
}
