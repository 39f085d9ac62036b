//! The programs in the pages of `docs/`, and what the pages say that they print.
//!
//! A program is a block of code whose language is `rust`. As in the documentation of items, lines that begin with `# ` are
//! part of it and not shown, and where there is no `main`, all of it is the inside of one. `no_run` compiles it alone,
//! `ignore` not even that; `other_crates` has it left out where those are not wanted. A block of `text,output` after it is
//! what it prints; `…` stands for anything in a line, or alone for any lines.
#![allow(dead_code, reason = "the build wants the code, tests what it does")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

pub(crate) struct Program {
    /// Relative to `docs/`.
    pub(crate) page: String,
    pub(crate) line: usize,
    source: String,
    wants_other_crates: bool,
    pub(crate) runs: bool,
    pub(crate) output: Option<String>,
}

impl Program {
    /// That of its module.
    pub(crate) fn name(&self) -> String {
        let page: String = self.page.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        format!("{}_line_{}", page.trim_end_matches("_md"), self.line)
    }

    /// Whether what the page shows has a `main`.
    pub(crate) fn is_whole(&self) -> bool {
        self.source.lines().any(|line| line.contains("fn main()") && !line.starts_with('#'))
    }

    /// Complains if it did not end or print as its page says.
    pub(crate) fn compare(&self, ran: &Output) -> Result<(), String> {
        let (output, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        if !ran.status.success() {
            return Err(format!("it ended with {}, having said:\n{output}{errors}", ran.status));
        }
        match &self.output {
            Some(shown) if !agrees(shown, &output) => Err(format!("the page shows:\n{shown}\n\nit prints:\n{output}")),
            _ => Ok(()),
        }
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

/// `docs/`, whichever of the packages in `tests/` asks.
pub(crate) fn folder() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("docs"));
    above.find(|docs| docs.is_dir()).expect("there is a book")
}

/// In the order of their names.
pub(crate) fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    collect(&folder(), &mut pages);
    pages.sort();
    pages
}

/// Those of all pages, with or without those that want other crates.
pub(crate) fn programs(with_other_crates: bool) -> Vec<Program> {
    let folder = folder();
    let all = pages();
    let all = all.iter().flat_map(|path| {
        let page = path.strip_prefix(&folder).expect("it was found there").to_string_lossy().replace('\\', "/");
        in_page(&page, path)
    });
    all.filter(|program| with_other_crates || !program.wants_other_crates).collect()
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

/// Those of one page, and how it is called.
pub(crate) fn in_page(page: &str, path: &Path) -> Vec<Program> {
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
                page: page.to_owned(),
                line: at + 1,
                source: block,
                wants_other_crates: words.contains(&"other_crates"),
                runs: !words.contains(&"no_run"),
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

/// Whether what was printed is what is shown, in which `…` stands for anything in a line, or alone for any lines.
pub(crate) fn agrees(shown: &str, printed: &str) -> bool {
    let (shown, printed): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), printed.lines().collect());
    lines_agree(&shown, &printed)
}

fn lines_agree(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], rest) => rest.is_empty(),
        (["…", shown @ ..], printed) => (0..=printed.len()).any(|skipped| lines_agree(shown, &printed[skipped..])),
        ([first, shown @ ..], [line, printed @ ..]) => line_agrees(first, line) && lines_agree(shown, printed),
        (_, []) => false,
    }
}

fn line_agrees(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown.trim_end() == printed.trim_end(),
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|printed| {
            let ends = printed.char_indices().map(|(at, _)| at).chain([printed.len()]);
            ends.into_iter().any(|at| line_agrees(rest, &printed[at..]))
        }),
    }
}
