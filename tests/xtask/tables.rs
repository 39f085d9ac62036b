//! Tables of the book that are made of what is true: of the systems (`platforms.rs`), and of the features (the manifests).

use crate::platforms;
use crate::shell::{read, root};

/// A page with a table in it, and who makes that.
struct Table {
    page: &'static str,
    /// What stands between the marks.
    name: &'static str,
    rows: fn() -> Result<String, String>,
}

const TABLES: &[Table] = &[
    Table { page: "docs/platforms.md", name: "platforms", rows: || Ok(platforms::table()) },
    Table { page: "docs/features.md", name: "features of giambio", rows: || features("std-adapter/Cargo.toml") },
    Table { page: "docs/features.md", name: "features of giambio-core", rows: || features("core/Cargo.toml") },
];

impl Table {
    /// The page as it should be.
    fn page(&self) -> Result<String, String> {
        let Table { page, name, rows } = self;
        let begin = format!("<!-- {name}: written by `cargo xtask tables --write` -->\n");
        let end = format!("<!-- {name}: the end -->\n");
        let text = read(page)?;
        let (before, rest) = text.split_once(&begin).ok_or(format!("{page} has no place for the {name}"))?;
        let (_, after) = rest.split_once(&end).ok_or(format!("{page}: the table of the {name} has no end"))?;
        Ok(format!("{before}{begin}{}{end}{after}", rows()?))
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
    let default = section.lines().find_map(|line| line.strip_prefix("default = ")).unwrap_or("[]");
    let mut table = "| feature | adds | by default |\n| --- | --- | --- |\n".to_owned();
    let mut what = Vec::new();
    for line in section.lines().filter(|line| !line.starts_with("default = ")) {
        if let Some(words) = line.strip_prefix("## ") {
            what.push(words);
        } else if let Some((name, _)) = line.split_once(" = ") {
            if what.is_empty() {
                return Err(format!("{manifest}: nothing says what feature {name} adds"));
            }
            let is_default = if default.contains(&format!("\"{name}\"")) { "yes" } else { "" };
            table.push_str(&format!("| `{name}` | {} | {is_default} |\n", what.join(" ")));
            what.clear();
        }
    }
    Ok(table)
}

#[test]
fn the_pages_have_the_tables() {
    for table in TABLES {
        let (is, should) = (read(table.page).unwrap(), table.page().unwrap());
        assert!(is == should, "{}: the {} have changed: `cargo xtask tables --write`", table.page, table.name);
    }
}
