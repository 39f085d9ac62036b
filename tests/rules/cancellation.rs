//! Whoever waits may be dropped: each public function and type that waits says under `# Cancellation` what is lost then, in the
//! words that the core's first page defines.

use std::collections::BTreeMap;

use super::sources;
use crate::shell::read;

/// Where public things are.
const FOLDERS: [&str; 3] = ["core/src", "std-adapter/src", "integrations"];

/// Behind the floors that have public names.
const KERNEL: &str = "core/src/kernel/";

/// What stands in bold, as a link to where it is explained.
const WORDS: [&str; 4] = ["Restartable", "Restartable; loses its place", "Restartable; starts anew", "Lossy"];

/// What waits in a file, each with its documentation: functions by their line, types by that of the `struct`.
fn waiting(text: &str) -> BTreeMap<String, Vec<&str>> {
    let (mut found, mut structs) = (BTreeMap::new(), BTreeMap::new());
    let (mut docs, mut is_in_trait) = (Vec::new(), false);
    let lines: Vec<&str> = text.split("\n#[cfg(test)]").next().unwrap_or_default().lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim();
        if let Some(doc) = code.strip_prefix("///") {
            docs.push(doc.trim());
            continue;
        }
        if code.starts_with("#[") || code.starts_with(")]") || code.starts_with("//") {
            continue;
        }
        is_in_trait = if line.starts_with("pub trait ") { !line.ends_with('}') } else { is_in_trait && *line != "}" };
        let code = if is_in_trait && !code.starts_with("pub ") { format!("pub {code}") } else { code.to_owned() };
        let is_function = code.starts_with("pub async fn ") || code.starts_with("pub fn ");
        if is_function && waits(&lines[at..]) {
            found.insert(code.clone(), docs.clone());
        }
        if let Some(name) = line.trim().strip_prefix("pub struct ") {
            structs.insert(name_of(name), docs.clone());
        }
        docs.clear();
    }
    for line in &lines {
        let Some((before, name)) = line.split_once(" Future for ") else { continue };
        if before.starts_with("impl")
            && let Some((name, docs)) = structs.remove_entry(name_of(name))
        {
            found.insert(format!("pub struct {name}"), docs);
        }
    }
    found
}

fn name_of(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default()
}

/// Does the function whose signature begins here return a future?
fn waits(lines: &[&str]) -> bool {
    let signature = lines.iter().take_while(|line| !line.trim().is_empty()).copied().collect::<Vec<_>>().join(" ");
    let signature = signature.split(['{', ';']).next().unwrap_or_default();
    let returned = signature.rsplit_once("->").map_or("", |(_, returned)| returned);
    // Of the bounds of a closure or a parameter the last arrow is another one.
    let is_future = signature.contains("-> impl Future<") || returned.trim_start().starts_with("impl Future<");
    signature.contains("async fn ") || is_future
}

/// What is wrong with the documentation of something that waits.
fn complaint(docs: &[&str]) -> Option<String> {
    let section = docs.iter().skip_while(|line| **line != "# Cancellation").skip(1);
    let section: Vec<&str> =
        section.take_while(|line| !line.starts_with("# ") && !line.starts_with("```")).copied().collect();
    let section = section.join(" ");
    if section.trim().is_empty() {
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
    for folder in FOLDERS {
        for (path, text) in sources(folder) {
            if path.starts_with(KERNEL) || path.contains("/tests/") {
                continue;
            }
            for (what, docs) in waiting(&text) {
                number += 1;
                wrong.extend(complaint(&docs).map(|complaint| format!("{path}: `{what}` {complaint}")));
            }
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
/// Waits not.
pub fn run<F: Future>(self, main: F) -> F::Output {
pub(crate) async fn inside() {}
/// # Cancellation
/// [**Restartable, as a rule.**](crate#cancellation)
pub struct Nap<'a>;
impl<'a> Future for Nap<'a> {
struct Own;
impl Future for Own {
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
    let found = waiting(text);
    let complaints: Vec<_> =
        found.iter().map(|(what, docs)| (what.split('(').next().unwrap(), complaint(docs))).collect();
    let none = || Some("has no section `# Cancellation`, or nothing in it".to_owned());
    assert_eq!(
        complaints,
        [
            ("pub async fn all", None),
            ("pub async fn good", None),
            ("pub fn bytes", none()),
            ("pub fn silent<T>", none()),
            ("pub fn unexplained", Some("says Restartable, and links to no explanation".to_owned())),
            ("pub struct Nap", Some("is of a grade that nobody has explained: Restartable, as a rule".to_owned())),
        ]
    );
}
