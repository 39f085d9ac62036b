//! Whatever may fail says when: each public function that returns a `Result`, now or when it is awaited, has a section `# Errors`.
//! Of functions whose result is in their signature Clippy says the same, and of panics that it sees, as the lints of the workspace.

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

fn is_to_say_why(source: &Source, item: &Item) -> bool {
    let returned = first_word(item.returns());
    // What is set up step by step fails when it is awaited, which its page says.
    let is_set_up = item.of.as_deref() == Some(returned);
    match item.kind {
        Kind::Function => may_fail(item.returns()) || !is_set_up && output(source, returned).is_some_and(may_fail),
        Kind::Type => output(source, &item.name).is_some_and(may_fail),
        _ => false,
    }
}

#[test]
fn whatever_may_fail_says_when() {
    let (mut silent, mut number) = (Vec::new(), 0);
    for source in public_sources() {
        for item in source.items().iter().filter(|item| is_to_say_why(&source, item)) {
            number += 1;
            if item.section("# Errors").is_none_or(|section| section.is_empty()) {
                silent.push(format!("{}: {}", source.path, item.path()));
            }
        }
    }
    assert!(silent.is_empty(), "these have no section `# Errors`, or nothing in it:\n{}", silent.join("\n"));
    assert!(number > 200, "only {number} were found");
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
    let items = source.items();
    let found: Vec<&str> =
        items.iter().filter(|item| is_to_say_why(&source, item)).map(|item| item.name.as_str()).collect();
    assert_eq!(found, ["yes", "later", "Wait", "by_name"]);
}
