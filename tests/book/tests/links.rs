//! What the pages of the project name is there.

#[path = "../src/pages.rs"]
mod pages;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    pages::folder().join("..")
}

/// The pages of `docs/`, and those beside it that people read first.
fn all_pages() -> Vec<PathBuf> {
    let mut found = pages::pages();
    for page in
        ["README.md", "CONTRIBUTING.md", "bench/README.md", "examples/bare-metal/README.md", "tests/faults/README.md"]
    {
        found.push(root().join(page));
    }
    found
}

/// Where the links of a page lead, outside of blocks of code.
fn links(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            continue;
        }
        // What is between backticks is no link.
        let prose = line.split('`').step_by(2);
        let whole = prose.collect::<Vec<_>>().join("`");
        let mut rest = &*whole;
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, next)) = after.split_once(')') else { break };
            if let Some(at) = line.find(target) {
                found.push(&line[at..at + target.len()]);
            }
            rest = &whole[whole.len() - next.len()..];
        }
    }
    found
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Those of a page; a heading that is there again has a number behind.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let plain = anchor(line.trim_start_matches('#'));
        let numbers = (1..).map(|number| format!("{plain}-{number}"));
        let name = [plain.clone()].into_iter().chain(numbers).find(|name| !found.contains(name));
        found.extend(name);
    }
    found
}

fn leads_somewhere(page: &Path, text: &str, link: &str) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true; // not looked at: there may be no network
    }
    let (file, section) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !target.exists() {
        return false;
    }
    if section.is_empty() || target.extension().is_none_or(|extension| extension != "md") {
        return true;
    }
    let text = if file.is_empty() { text.to_owned() } else { fs::read_to_string(&target).unwrap() };
    anchors(&text).iter().any(|anchor| anchor == section)
}

#[test]
fn every_link_leads_somewhere() {
    let (mut count, mut broken) = (0, Vec::new());
    for page in all_pages() {
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        for link in links(&text) {
            count += 1;
            if !leads_somewhere(&page, &text, link) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(count > 50, "only {count} links were found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_summary_has_every_page_once() {
    let summary = fs::read_to_string(pages::folder().join("SUMMARY.md")).unwrap();
    let listed = links(&summary);
    let named: BTreeSet<String> = listed.iter().map(|&link| link.to_owned()).collect();
    assert_eq!(listed.len(), named.len(), "a page is in the summary twice");
    let relative = |path: PathBuf| path.strip_prefix(pages::folder()).unwrap().to_string_lossy().replace('\\', "/");
    let mut there: BTreeSet<String> = pages::pages().into_iter().map(relative).collect();
    there.remove("SUMMARY.md");
    assert_eq!(named, there);
}

#[test]
fn links_are_found_and_code_is_not() {
    assert_eq!(links("[a](b.md) and [`c`](d.md#e) `[x](y)`\n```\n[f](g)\n```\n"), ["b.md", "d.md#e"]);
    assert_eq!(anchor(" Who is it, that `takes` so long?"), "who-is-it-that-takes-so-long");
    assert_eq!(anchors("# A\n## A\n"), ["a", "a-1"]);
}
