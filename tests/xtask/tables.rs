//! Tables of the book and of the libraries' first pages that are made of what is true: of the systems (`platforms.rs`), and
//! of the features (the manifests).

use crate::platforms;
use crate::shell::{read, root};

/// A page with a table in it, and who makes that.
struct Table {
    page: &'static str,
    /// What stands between the marks.
    name: &'static str,
    rows: fn() -> Result<String, String>,
}

const ADAPTER: &str = "features of giambio";
const CORE: &str = "features of giambio-core";

const TABLES: &[Table] = &[
    Table { page: "docs/platforms.md", name: "platforms", rows: || Ok(platforms::table()) },
    Table { page: "docs/features.md", name: ADAPTER, rows: || features("std-adapter/Cargo.toml") },
    Table { page: "std-adapter/src/lib.rs", name: ADAPTER, rows: || features("std-adapter/Cargo.toml") },
    Table { page: "docs/features.md", name: CORE, rows: || features("core/Cargo.toml") },
    Table { page: "core/src/lib.rs", name: CORE, rows: || features("core/Cargo.toml") },
];

impl Table {
    /// The page as it should be.
    fn page(&self) -> Result<String, String> {
        let Table { page, name, rows } = self;
        // What begins each line of a documentation.
        let margin = if page.ends_with(".rs") { "//! " } else { "" };
        let begin = format!("{margin}<!-- {name}: written by `cargo xtask tables --write` -->\n");
        let end = format!("{margin}<!-- {name}: the end -->\n");
        let text = read(page)?;
        let (before, rest) = text.split_once(&begin).ok_or(format!("{page} has no place for the {name}"))?;
        let (_, after) = rest.split_once(&end).ok_or(format!("{page}: the table of the {name} has no end"))?;
        let rows: String = rows()?.lines().map(|row| format!("{margin}{row}\n")).collect();
        Ok(format!("{before}{begin}{rows}{end}{after}"))
    }
}

/// Puts each table where it belongs.
pub(crate) fn write() -> Result<(), String> {
    for table in TABLES {
        std::fs::write(root().join(table.page), table.page()?).map_err(|error| format!("{}: {error}", table.page))?;
    }
    Ok(())
}

/// A row for each feature of a manifest, with the lines of `##` above it.
fn features(manifest: &str) -> Result<String, String> {
    let text = read(manifest)?;
    let (_, section) = text.split_once("[features]\n").ok_or(format!("{manifest} has no features"))?;
    let section = section.split("\n[").next().unwrap_or(section);
    let on = on(section);
    let mut table = "| feature | adds | by default |\n| --- | --- | --- |\n".to_owned();
    let mut what = Vec::new();
    for line in section.lines().filter(|line| !line.starts_with("default = ")) {
        if let Some(words) = line.strip_prefix("## ") {
            what.push(words);
        } else if let Some((name, _)) = line.split_once(" = ") {
            if what.is_empty() {
                return Err(format!("{manifest}: nothing says what feature {name} adds"));
            }
            let is_on = if on.contains(&name) { "yes" } else { "" };
            table.push_str(&format!("| `{name}` | {} | {is_on} |\n", what.join(" ")));
            what.clear();
        }
    }
    Ok(table)
}

/// What is on by default, with what that brings.
fn on(section: &str) -> Vec<&str> {
    let mut on = vec!["default"];
    let mut at = 0;
    while let Some(name) = on.get(at) {
        let list = section.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap_or_default();
        let brought: Vec<&str> = list.split('"').skip(1).step_by(2).filter(|name| !on.contains(name)).collect();
        on.extend(brought);
        at += 1;
    }
    on
}

#[test]
fn what_a_default_feature_brings_is_on_too() {
    assert_eq!(on("default = [\"a\", \"b\"]\na = [\"c\"]\nb = [\"a\"]\nd = [\"e\"]"), ["default", "a", "b", "c"]);
}

#[test]
fn the_pages_have_the_tables() {
    for table in TABLES {
        let (is, should) = (read(table.page).unwrap(), table.page().unwrap());
        assert!(is == should, "{}: the {} have changed: `cargo xtask tables --write`", table.page, table.name);
    }
}
