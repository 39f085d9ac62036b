//! How wide lines are.

use super::sources;

const WIDEST: usize = 128;

/// Rustfmt holds it for code. A row of a table, a heading's `#` of a hidden line and code in an example are one line each.
#[test]
fn comments_are_no_wider_than_code() {
    let mut wrong = Vec::new();
    for folder in ["core", "std-adapter", "integrations", "examples", "tests", "bench"] {
        for (path, text) in sources(folder) {
            let mut is_code = false;
            for (number, line) in text.lines().enumerate() {
                let line = line.trim_end();
                let comment = ["//! ", "/// ", "// "].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
                is_code = match comment {
                    Some(text) if text.starts_with("```") => !is_code,
                    Some(_) => is_code,
                    None => is_code && line.trim_start().starts_with("//"),
                };
                let is_text = comment.is_some_and(|text| !is_code && !text.starts_with('|'));
                if is_text && line.chars().count() > WIDEST {
                    wrong.push(format!("{path}:{}", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "wider than {WIDEST} columns:\n{}", wrong.join("\n"));
}
