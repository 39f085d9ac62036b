//! Whoever waits may be dropped: each public function and type that waits says under `# Cancellation` what is lost then, in the
//! words that the core's first page defines.

use super::items::{Item, Kind, Source, public_sources};
use crate::shell::read;

/// Behind the floors that have public names.
const KERNEL: &str = "core/src/kernel/";

/// What stands in bold, as a link to where it is explained.
const WORDS: [&str; 4] = ["Restartable", "Restartable; loses its place", "Restartable; starts anew", "Lossy"];

/// What waits in a file: functions whose signature says so, and types that are futures.
fn waiting(source: &Source) -> Vec<Item> {
    let waits = |item: &Item| match item.kind {
        Kind::Function => {
            item.is_async() || item.returns().starts_with("impl Future<") || item.signature.contains("-> impl Future<")
        }
        Kind::Type => source.implementation("Future", &item.name).is_some(),
        _ => false,
    };
    source.items().into_iter().filter(waits).collect()
}

/// What is wrong with the documentation of something that waits.
fn complaint(item: &Item) -> Option<String> {
    let section = item.section("# Cancellation").unwrap_or_default();
    if section.is_empty() {
        return Some("has no section `# Cancellation`, or nothing in it".to_owned());
    }
    let words = section.match_indices("**").step_by(2).filter_map(|(at, _)| section[at + 2..].split_once("**"));
    for (word, rest) in words {
        let word = word.trim_end_matches('.');
        let is_grade = word.starts_with("Restartable") || word.starts_with("Lossy");
        if is_grade && !WORDS.contains(&word) {
            return Some(format!("is of a grade that nobody has explained: {word}"));
        }
        if is_grade && !rest.starts_with("](crate#cancellation)") && !rest.starts_with("](giambio_core#cancellation)") {
            return Some(format!("says {word}, and links to no explanation"));
        }
    }
    None
}

#[test]
fn all_that_waits_says_what_its_cancellation_costs() {
    let (mut wrong, mut number) = (Vec::new(), 0);
    for source in public_sources().iter().filter(|source| !source.path.starts_with(KERNEL)) {
        for item in waiting(source) {
            number += 1;
            wrong.extend(complaint(&item).map(|complaint| format!("{}: `{}` {complaint}", source.path, item.path())));
        }
    }
    assert!(wrong.is_empty(), "core/src/lib.rs has the words:\n{}", wrong.join("\n"));
    assert!(number > 60, "only {number} were found");
}

#[test]
fn the_words_are_those_that_the_first_page_explains() {
    let page = read("core/src/lib.rs").unwrap();
    let explained: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("//! | **")?.split_once("** |"))
        .map(|(word, _)| word)
        .collect();
    assert_eq!(explained, WORDS);
}

#[test]
fn what_waits_is_found_and_so_is_what_its_documentation_lacks() {
    let text = "\
/// Waits.
///
/// # Cancellation
/// [**Restartable.**](crate#cancellation) It is nothing.
///
/// ```
/// **Lossy**
/// ```
#[must_use]
pub async fn good() {}
/// # Cancellation
/// **Restartable.** But who knows what that is?
pub fn unexplained() -> impl Future<Output = ()> {
    todo()
}
/// Waits.
pub fn silent<T>(
    body: impl Future<Output = T>,
) -> impl Future<Output = T> {
}
/// Waits not.
pub fn run<F: Future>(self, main: F) -> F::Output {
}
pub(crate) async fn inside() {}
/// # Cancellation
/// [**Restartable, as a rule.**](crate#cancellation)
pub struct Nap<'a>;
impl<'a> Future for Nap<'a> {
}
struct Own;
impl Future for Own {
}
pub trait Empty: inside::Sealed {}
fn also_own() -> impl Future<Output = u8> {}
/// Bytes.
pub trait Bytes {
    /// Waits.
    fn bytes(&self) -> impl Future<Output = u8>;
    /// # Errors
    /// # Cancellation
    /// As `bytes`.
    async fn all(&self);
}
fn own() -> impl Future<Output = u8> {}
";
    let source = Source { path: String::new(), text: text.to_owned() };
    let complaints: Vec<_> = waiting(&source).iter().map(|item| (item.path(), complaint(item))).collect();
    let none = || Some("has no section `# Cancellation`, or nothing in it".to_owned());
    let expected = [
        ("good", None),
        ("unexplained", Some("says Restartable, and links to no explanation".to_owned())),
        ("silent", none()),
        ("Nap", Some("is of a grade that nobody has explained: Restartable, as a rule".to_owned())),
        ("Bytes::bytes", none()),
        ("Bytes::all", None),
    ];
    assert_eq!(complaints, expected.map(|(path, complaint)| (path.to_owned(), complaint)));
}
