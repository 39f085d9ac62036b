//! What is public in a source file, with its documentation: read line by line, as `cargo xtask format` writes it.

use super::sources;

/// Where public things are.
const FOLDERS: [&str; 3] = ["core/src", "std-adapter/src", "integrations"];

/// Something public.
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The type or trait that a function belongs to.
    pub(super) of: Option<String>,
    pub(super) is_of_trait: bool,
    /// In one line, up to what is in it.
    pub(super) signature: String,
    pub(super) docs: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Type,
    Trait,
    Macro,
    /// Constants and statics.
    Value,
}

/// A source file.
pub(super) struct Source {
    /// From the root.
    pub(super) path: String,
    pub(super) text: String,
}

/// Those with public things in them.
pub(super) fn public_sources() -> Vec<Source> {
    let all = FOLDERS.iter().flat_map(|folder| sources(folder)).map(|(path, text)| Source { path, text });
    all.filter(|source| !source.path.contains("/tests/")).collect()
}

impl Source {
    /// What is public, in order; of a trait its functions, too.
    pub(super) fn items(&self) -> Vec<Item> {
        let (mut found, mut docs, mut is_hidden, mut is_exported) = (Vec::new(), Vec::new(), false, false);
        // What is around a line, if it is a trait that is public, or the type that something is implemented for.
        let (mut of, mut is_trait) = (None, false);
        let lines: Vec<&str> = self.text.split("\n#[cfg(test)]").next().unwrap_or_default().lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = line.trim();
            if let Some(doc) = code.strip_prefix("///") {
                docs.push(doc.strip_prefix(' ').unwrap_or(doc).to_owned());
                continue;
            }
            is_hidden |= code == "#[doc(hidden)]";
            is_exported |= code == "#[macro_export]";
            if code.starts_with("#[") || code.starts_with(")]") || code.starts_with("//") {
                continue;
            }
            let signature = || signature(&lines[at..]);
            if *line == "}" {
                (of, is_trait) = (None, false);
            } else if line.starts_with("impl") {
                of = implementer(&signature());
            }
            if let Some((kind, name)) = public(code, is_trait, is_exported)
                && !is_hidden
            {
                let docs = std::mem::take(&mut docs);
                let (name, of, signature) = (name.to_owned(), of.clone(), signature());
                found.push(Item { kind, name, of, is_of_trait: is_trait, signature, docs });
            }
            if let Some(rest) = line.strip_prefix("pub trait ")
                && !line.ends_with('}')
            {
                (of, is_trait) = (Some(first_word(rest).to_owned()), true);
            }
            docs.clear();
            (is_hidden, is_exported) = (false, false);
        }
        found
    }

    /// What a type of this file has of a trait: from its `impl` on, to the end of that.
    pub(super) fn implementation(&self, of: &str, name: &str) -> Option<&str> {
        let head = format!(" {of} for {name}");
        let (at, found) = self.text.match_indices(&head).find(|(at, found)| {
            let line = self.text[..*at].rsplit('\n').next().unwrap_or_default();
            let rest = &self.text[at + found.len()..];
            line.starts_with("impl") && !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        })?;
        self.text[at + found.len()..].split("\n}\n").next()
    }
}

impl Item {
    /// The lines below a heading, up to the next one or an example; `None` if it is not there.
    pub(super) fn section(&self, heading: &str) -> Option<String> {
        let mut lines = self.docs.iter().skip_while(|line| *line != heading);
        lines.next()?;
        let section = lines.take_while(|line| !line.starts_with("# ") && !line.starts_with("```"));
        Some(section.map(String::as_str).collect::<Vec<_>>().join(" ").trim().to_owned())
    }

    /// How others call it.
    pub(super) fn path(&self) -> String {
        self.of.iter().map(|of| format!("{of}::")).collect::<String>() + &self.name
    }

    /// What a function returns, as it is written.
    pub(super) fn returns(&self) -> &str {
        // Of the bounds of a closure or a parameter the last arrow is another one.
        let after = self.signature.split_once('(').map_or("", |(_, after)| after);
        let mut depth = 1;
        let end = after.find(|letter| {
            depth += match letter {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        let rest = end.map_or("", |end| &after[end + 1..]);
        rest.trim_start()
            .strip_prefix("->")
            .map_or("", |returned| returned.split(" where ").next().unwrap_or_default())
            .trim()
    }

    pub(super) fn is_async(&self) -> bool {
        self.signature.contains("async fn ")
    }
}

/// What a line begins, if that is public.
fn public(code: &str, is_trait: bool, is_exported: bool) -> Option<(Kind, &str)> {
    if let Some(rest) = code.strip_prefix("macro_rules! ") {
        return is_exported.then(|| (Kind::Macro, first_word(rest)));
    }
    let rest = match code.strip_prefix("pub ") {
        Some(rest) => rest,
        None if is_trait => code,
        None => return None,
    };
    // `const fn` is a function, `const N` is not.
    let mut rest = rest;
    loop {
        let (word, after) = rest.split_once(' ')?;
        let kind = match word {
            "const" | "async" | "unsafe" if after.contains("fn ") => {
                rest = after;
                continue;
            }
            "fn" => Kind::Function,
            "struct" | "enum" | "type" | "union" if !is_trait => Kind::Type,
            "trait" => Kind::Trait,
            "const" | "static" => Kind::Value,
            _ => return None,
        };
        return Some((kind, first_word(after)));
    }
}

/// The words of the item that begins in the first of these lines, up to its body.
fn signature(lines: &[&str]) -> String {
    let lines = lines.iter().take_while(|line| !line.trim().is_empty());
    let mut whole = String::new();
    for line in lines {
        whole.push_str(line.trim());
        if line.ends_with(['{', ';', '}']) {
            break;
        }
        whole.push(' ');
    }
    whole.split(" {").next().unwrap_or_default().trim_end_matches(';').to_owned()
}

/// The type that an `impl` is for.
fn implementer(signature: &str) -> Option<String> {
    let mut plain = String::new();
    let mut depth = 0;
    for (at, letter) in signature.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' if !signature[..at].ends_with(['-', '=']) => depth -= 1,
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let of = plain.strip_prefix("impl")?.split(" where ").next()?;
    let of = of.rsplit_once(" for ").map_or(of, |(_, of)| of).trim();
    Some(first_word(of.rsplit("::").next()?.trim_start_matches('&')).to_owned())
}

pub(super) fn first_word(text: &str) -> &str {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}
