//! Whatever is public is shown in an example that runs.
//!
//! A **function** is, if it has an example, if one of its file or of the page of a module around uses it, or if it only says
//! "as" another one. What is asked of a thing by `&self` alone, and can't fail or wait, is shown with the thing. A **type**
//! or **trait** is, if it has an example, if one beside it names it, or if it stands in the signature of what is public,
//! since nobody has it otherwise.

use std::collections::BTreeSet;

use super::items::{Item, Kind, Source, public_sources};
use crate::shell::read;

/// The words of the examples in documentation: lines of code that are compiled, and mostly run.
fn shown<'a>(docs: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let (mut words, mut language) = (BTreeSet::new(), None);
    for line in docs {
        match (line.trim().strip_prefix("```"), language) {
            (Some(words), None) => language = Some(words),
            (Some(_), Some(_)) => language = None,
            (None, Some(words)) if ["text", "toml", "ignore", "compile_fail"].iter().any(|not| words.contains(not)) => {
            }
            (None, Some(_)) => words.extend(words_of(line)),
            (None, None) => {}
        }
    }
    words
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// Those of the documentation of a file; of a page, those of `//!` alone.
fn docs(text: &str, is_page: bool) -> impl Iterator<Item = &str> {
    let doc =
        move |line: &'_ str| line.trim_start().starts_with("//!") || !is_page && line.trim_start().starts_with("///");
    text.lines().filter(move |line| doc(line)).map(|line| line.trim_start().get(3..).unwrap_or_default())
}

impl Item {
    fn has_example(&self) -> bool {
        !shown(self.docs.iter().map(String::as_str)).is_empty()
    }

    /// It is what another one is, which is linked.
    fn is_as_another(&self) -> bool {
        self.docs
            .iter()
            .take(3)
            .any(|line| ["As [`", "Made by [`", "Sets [`"].iter().any(|start| line.starts_with(start)))
    }

    /// What is asked of a thing, and can't fail or wait.
    fn is_accessor(&self) -> bool {
        let is_asked = self.of.is_some() && self.signature.contains("(&self)");
        let answer = self.returns();
        is_asked
            && !answer.is_empty()
            && !answer.contains("Result<")
            && !answer.contains("impl Future")
            && !self.is_async()
    }
}

#[test]
fn whatever_is_public_is_shown_in_an_example() {
    let sources: Vec<Source> =
        public_sources().into_iter().filter(|source| !source.path.starts_with("integrations/")).collect();
    let lists = read("core/api.txt").unwrap() + &read("std-adapter/api.txt").unwrap();
    let public: BTreeSet<&str> = words_of(&lists).collect();
    let items = |source: &Source| {
        let items = source.items().into_iter();
        items.filter(|item| public.contains(item.name.as_str())).collect::<Vec<_>>()
    };
    let all: Vec<(&Source, Vec<Item>)> = sources.iter().map(|source| (source, items(source))).collect();
    // Of what is public, and of what is implemented for it.
    let heads = sources.iter().flat_map(|source| source.text.lines().filter(|line| line.starts_with("impl")));
    let signatures = all.iter().flat_map(|(_, items)| items).map(|item| item.signature.as_str());
    let named: BTreeSet<&str> =
        heads.chain(signatures.filter(|text| !text.starts_with("pub trait"))).flat_map(words_of).collect();
    let (mut hidden, mut number) = (Vec::new(), 0);
    for (source, items) in &all {
        let words = around(source, &sources);
        for item in items {
            number += 1;
            let is_shown = item.has_example()
                || words.contains(item.name.as_str())
                || match item.kind {
                    Kind::Function => item.is_as_another() || item.is_of_trait || item.is_accessor(),
                    Kind::Type | Kind::Trait => named.contains(item.name.as_str()),
                    Kind::Macro | Kind::Value => item.is_of_trait,
                };
            if !is_shown {
                hidden.push(format!("{}: {}", source.path, item.path()));
            }
        }
    }
    assert!(hidden.is_empty(), "{} of {number} are in no example:\n{}", hidden.len(), hidden.join("\n"));
    assert!(number > 700, "only {number} were found");
}

/// The words of the examples in a file, and on the pages of the modules around it.
fn around<'a>(source: &'a Source, sources: &'a [Source]) -> BTreeSet<&'a str> {
    let mut words = shown(docs(&source.text, false));
    let mut folder = source.path.as_str();
    while let Some((outer, _)) = folder.rsplit_once('/') {
        folder = outer;
        let pages = ["mod.rs", "lib.rs"].map(|name| format!("{folder}/{name}"));
        for page in sources.iter().filter(|source| pages.contains(&source.path)) {
            words.extend(shown(docs(&page.text, true)));
        }
    }
    words
}

#[test]
fn an_example_is_code_that_is_compiled_and_some_things_need_none() {
    let text = "\
/// ```
/// shown(1);
/// ```
/// ```text
/// hidden
/// ```
pub fn shown(n: u8) -> u8 {
}
/// As [`shown`].
pub fn as_shown(n: u8) -> u8 {
}
impl Thing {
    /// How many.
    pub fn count(&self) -> usize {
    }
    /// Tries.
    pub fn attempt(&self) -> Result<u8, u8> {
    }
}
";
    assert_eq!(shown(docs(text, false)), ["1", "shown"].into());
    assert!(shown(docs(text, true)).is_empty(), "a page is of `//!`");
    let source = Source { path: String::new(), text: text.to_owned() };
    let needs_none = |item: &Item| item.has_example() || item.is_as_another() || item.is_accessor();
    let found: Vec<_> = source.items().iter().map(|item| (item.path(), needs_none(item))).collect();
    let expected = [("shown", true), ("as_shown", true), ("Thing::count", true), ("Thing::attempt", false)];
    assert_eq!(found, expected.map(|(path, needs_none)| (path.to_owned(), needs_none)));
}
