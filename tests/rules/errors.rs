//! Whatever may fail says when: each public function that returns a `Result`, now or when it is awaited, has a section `#
//! Errors`. Of functions whose result is in their signature Clippy says the same, and of panics that it sees, as the lints of
//! the workspace. What is as another function panics as that one.

use std::collections::BTreeSet;

use super::items::{Item, Kind, Source, first_word, public_sources};

/// What a future of this file is ready with, where that is a type of its own.
fn output<'a>(source: &'a Source, name: &str) -> Option<&'a str> {
    let implementation = source.implementation("Future", name)?;
    implementation.lines().find_map(|line| line.trim().strip_prefix("type Output = "))
}

/// Is a `Result` what comes of it?
fn may_fail(text: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "Result")
}

/// The futures that have types of their own, and may fail.
fn failing(sources: &[Source]) -> BTreeSet<String> {
    let types = sources.iter().flat_map(|source| source.items().into_iter().map(move |item| (source, item)));
    let failing = types.filter(|(source, item)| output(source, &item.name).is_some_and(may_fail));
    failing.map(|(_, item)| item.name).collect()
}

fn is_to_say_why(item: &Item, failing: &BTreeSet<String>) -> bool {
    let returned = first_word(item.returns());
    // What is set up step by step fails when it is awaited, which its page says.
    let is_set_up = item.of.as_deref() == Some(returned);
    // What a task ends with goes to its nursery; its handle need not be awaited.
    let is_handle = returned == "Task";
    match item.kind {
        Kind::Function => may_fail(item.returns()) || !(is_set_up || is_handle) && failing.contains(returned),
        Kind::Type => failing.contains(&item.name),
        _ => false,
    }
}

#[test]
fn whatever_may_fail_says_when() {
    let sources = public_sources();
    let (mut silent, mut number, failing) = (Vec::new(), 0, failing(&sources));
    for source in &sources {
        for item in source.items().iter().filter(|item| is_to_say_why(item, &failing)) {
            number += 1;
            if item.section("# Errors").is_none_or(|section| section.is_empty()) {
                silent.push(format!("{}: {}", source.path, item.path()));
            }
        }
    }
    assert!(silent.is_empty(), "these have no section `# Errors`, or nothing in it:\n{}", silent.join("\n"));
    assert!(number > 200, "only {number} were found");
}

/// What an item that is as another one calls that: its type, if it says so, and its name.
fn model(item: &Item) -> Option<(Option<&str>, &str)> {
    let path = item.docs.first()?.strip_prefix("As [`")?.split('`').next()?;
    Some(path.rsplit_once("::").map_or((item.of.as_deref(), path), |(of, name)| (Some(of), name)))
}

#[test]
fn what_is_as_another_one_panics_as_that_one() {
    let items: Vec<Item> = public_sources().iter().flat_map(Source::items).collect();
    let panics = |item: &Item| item.section("# Panics").is_some();
    let (mut silent, mut number) = (Vec::new(), 0);
    for item in items.iter().filter(|item| item.kind == Kind::Function) {
        let Some((of, name)) = model(item) else { continue };
        number += 1;
        let mut models = items.iter().filter(|other| other.of.as_deref() == of && other.name == name);
        if models.any(panics) && !panics(item) {
            silent.push(item.path());
        }
    }
    assert!(silent.is_empty(), "these have no section `# Panics`:\n{}", silent.join("\n"));
    assert!(number > 50, "only {number} were found");
}

#[test]
fn what_may_fail_is_found() {
    let text = "\
pub fn yes(&self) -> io::Result<()> {
}
pub fn later() -> impl Future<Output = Result<T, E>>
where
    T: Unpin,
{
}
pub fn no(f: impl FnOnce() -> Result<(), ()>) -> u8 {
}
pub fn takes(result: Result<(), ()>) {
}
pub struct Wait<'a>;
impl Future for Wait<'_> {
    type Output = Result<(), Closed>;
}
pub fn by_name(&self) -> Wait<'_> {
}
pub struct Nap;
impl Future for Nap {
    type Output = ();
}
";
    let source = Source { path: String::new(), text: text.to_owned() };
    let (items, failing) = (source.items(), failing(std::slice::from_ref(&source)));
    let found: Vec<&str> =
        items.iter().filter(|item| is_to_say_why(item, &failing)).map(|item| item.name.as_str()).collect();
    assert_eq!(found, ["yes", "later", "Wait", "by_name"]);
}
