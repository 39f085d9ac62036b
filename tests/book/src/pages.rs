//! The programs in the pages of `docs/`, and what the pages say that they print.
//!
//! A program is a block of code whose language is `rust`. As in the documentation of items, lines that begin with `# ` are part of it
//! and not shown, and where there is no `main`, all of it is the inside of one. `no_run` compiles it alone, `ignore` not even that;
//! `other_crates` has it left out without the feature of that name.
//! A block of `text,output` after it is what it prints; `…` stands for anything in a line, or alone for any lines.
#![allow(dead_code, reason = "the build wants the code, the test what it does")]

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Program {
    /// Relative to `docs/`.
    pub(crate) page: String,
    pub(crate) line: usize,
    source: String,
    wants_other_crates: bool,
    pub(crate) runs: bool,
    pub(crate) panics: bool,
    pub(crate) output: Option<String>,
}

impl Program {
    /// That of its module.
    pub(crate) fn name(&self) -> String {
        let page: String = self.page.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        format!("{}_line_{}", page.trim_end_matches("_md"), self.line)
    }

    /// With its hidden lines and a `main`.
    pub(crate) fn code(&self) -> String {
        let whole = |line: &str| match line.trim_start() {
            "#" => String::new(),
            hidden if hidden.starts_with("# ") => hidden[2..].to_owned(),
            escaped if escaped.starts_with("##") => escaped[1..].to_owned(),
            _ => line.to_owned(),
        };
        let code = self.source.lines().map(whole).collect::<Vec<_>>().join("\n");
        if code.contains("fn main()") {
            code
        } else if code.trim_end().ends_with("(())") {
            format!("fn main() -> Result<(), impl std::fmt::Debug> {{\n{code}\n}}")
        } else {
            format!("fn main() {{\n{code}\n}}")
        }
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// In the order of their names.
pub(crate) fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    collect(&folder(), &mut pages);
    pages.sort();
    pages
}

/// Those of all pages, as far as there are the crates for them.
pub(crate) fn programs() -> Vec<Program> {
    let all = pages();
    let all = all.iter().flat_map(|path| in_page(path));
    all.filter(|program| cfg!(feature = "other-crates") || !program.wants_other_crates).collect()
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("docs/ is there") {
        let path = entry.expect("docs/ can be read").path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

fn in_page(path: &Path) -> Vec<Program> {
    let page = path.strip_prefix(folder()).expect("it was found there").to_string_lossy().replace('\\', "/");
    let text = fs::read_to_string(path).expect("a page is text");
    let mut programs: Vec<Program> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(words) = line.strip_prefix("```") else { continue };
        let words: Vec<&str> = words.split(',').map(str::trim).collect();
        let block: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        match words[0] {
            "rust" if !words.contains(&"ignore") => programs.push(Program {
                page: page.clone(),
                line: at + 1,
                source: block,
                wants_other_crates: words.contains(&"other_crates"),
                runs: !words.contains(&"no_run"),
                panics: words.contains(&"should_panic"),
                output: None,
            }),
            "text" if words.contains(&"output") => {
                let program = programs.last_mut().unwrap_or_else(|| panic!("{page}:{}: the output of what?", at + 1));
                assert!(program.runs && program.output.is_none(), "{page}:{}: whose output is this?", at + 1);
                program.output = Some(block);
            }
            _ => {}
        }
    }
    programs
}
