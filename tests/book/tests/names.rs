//! What the pages name of giambio's modules is in the lists of the API.

#[path = "../src/pages.rs"]
mod pages;

use std::collections::BTreeSet;
use std::fs;

/// Names with at least two parts, as `net::serve`.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let paths = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    paths.map(|path| path.trim_matches(':')).filter(|path| path.contains("::"))
}

/// What stands between single backticks, outside of blocks of code.
fn code_in_prose(text: &str) -> impl Iterator<Item = &str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

#[test]
fn every_name_in_a_module_is_there() {
    let lists = ["core", "std-adapter"].map(|folder| {
        let list = pages::folder().join("..").join(folder).join("api.txt");
        fs::read_to_string(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()))
    });
    let (mut modules, mut names) = (BTreeSet::new(), BTreeSet::new());
    for line in lists.iter().flat_map(|list| list.lines()) {
        let within = |path: &'_ str| path.split_once("::").map(|(_, within)| within.to_owned());
        modules.extend(line.strip_prefix("pub mod ").and_then(within));
        names.extend(paths(line).filter_map(within));
    }
    let (mut count, mut unknown) = (0, Vec::new());
    for page in pages::pages() {
        // That one names tests.
        if page.ends_with("testing.md") {
            continue;
        }
        let text = fs::read_to_string(&page).unwrap();
        for name in code_in_prose(&text).flat_map(paths) {
            if name.split_once("::").is_some_and(|(module, _)| modules.contains(module)) {
                count += 1;
                if !names.contains(name) {
                    unknown.push(format!("{}: {name}", page.display()));
                }
            }
        }
    }
    assert!(count > 30, "only {count} names were found");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn names_are_found_in_prose_alone() {
    let text = "`net::serve(a, b::c)`, `x`, d::e\n```\n`f::g`\n```\n`h::i`";
    assert_eq!(code_in_prose(text).flat_map(paths).collect::<Vec<_>>(), ["net::serve", "b::c", "h::i"]);
}
