//! The public API of each library, kept as a file, so that a change of it shows in review.

use std::fs;

use crate::shell::{Shell, root, target_folder};
use crate::steps::{Outcome, Verdict};

/// Packages, and where their lists are.
const LISTS: &[(&str, &str)] = &[("giambio-core", "core/api.txt"), ("giambio", "std-adapter/api.txt")];

/// No member of the workspace, since it has dependencies that nothing else needs.
pub(crate) const LISTER: &str = "tests/public_api/Cargo.toml";

pub(crate) const FOLDER: &str = "public-api";

pub(crate) fn check() -> Outcome {
    for (package, file) in LISTS {
        let now = match list(package, "") {
            Ok(now) => now,
            // Rustdoc's JSON changes with the compiler; who has another one than CI need not care.
            Err(why) if why.contains("format") => return Ok(Verdict::Skipped(why)),
            Err(why) => return Err(why),
        };
        let kept = fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
        if kept != now {
            return Err(format!(
                "{file} differs from the API. `cargo xtask public-api --write`\n{}",
                changes(&kept, &now)
            ));
        }
    }
    Ok(Verdict::Passed)
}

pub(crate) fn write() -> Result<(), String> {
    for (package, file) in LISTS {
        fs::write(root().join(file), list(package, "")?).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

/// What the lists say.
pub(crate) fn kept() -> Result<String, String> {
    LISTS
        .iter()
        .map(|(_, file)| fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}")))
        .collect()
}

/// What they would say with every feature.
pub(crate) fn with_all_features() -> Result<String, String> {
    LISTS.iter().map(|(package, _)| list(package, "--all-features")).collect()
}

fn list(package: &str, features: &str) -> Result<String, String> {
    // Its JSON is for the toolchain's own tools.
    Shell::new(&format!("cargo rustdoc --quiet -p {package} --lib {features}"))
        .args("-- -Zunstable-options --output-format json")
        .env("RUSTC_BOOTSTRAP", "1")
        .own_target(FOLDER)
        .run()?;
    let json = root().join(target_folder(FOLDER)).join(format!("doc/{}.json", package.replace('-', "_")));
    let lister =
        Shell::new(&format!("cargo run --quiet --locked --manifest-path {LISTER} --")).arg(json).own_target(FOLDER);
    lister.said().map(|list| list + "\n")
}

/// Lines that only one of them has.
fn changes(kept: &str, now: &str) -> String {
    let only_in = |one: &str, other: &str, sign| {
        let other: Vec<&str> = other.lines().collect();
        let lines = one.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only_in(kept, now, '-') + &only_in(now, kept, '+')
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_change_is_what_only_one_of_the_lists_has() {
        assert_eq!(super::changes("a\nb\nc\n", "a\nc\nd\n"), "- b\n+ d\n");
    }
}
