//! What the libraries are made of stands in lists, so that a change of it shows in review.

use crate::shell::{Shell, read};

/// What `cargo tree --edges normal` says of a library on some systems, without versions.
fn tree(package: &str) -> String {
    let systems = ["x86_64-unknown-linux-gnu", "x86_64-unknown-freebsd", "x86_64-pc-windows-gnu"];
    let on = |target: &str| {
        let tree = Shell::new("cargo tree --locked --edges normal --no-dedupe --prefix depth --format {p} --package")
            .arg(package)
            .args("--target")
            .arg(target)
            .said()
            .unwrap();
        let line = |line: &str| {
            let name = line.split(' ').next().unwrap_or_default().trim_start_matches(char::is_numeric);
            let depth: usize = line.split(|c: char| !c.is_numeric()).next().unwrap_or_default().parse().unwrap();
            format!("{}{name}\n", "  ".repeat(depth + 1))
        };
        format!("{target}\n{}", tree.lines().map(line).collect::<String>())
    };
    systems.map(on).concat()
}

#[test]
fn the_libraries_are_made_of_what_their_lists_say() {
    for (package, file) in [("giambio-core", "core/dependencies.txt"), ("giambio", "std-adapter/dependencies.txt")] {
        let (kept, now) = (read(file).unwrap(), tree(package));
        assert!(kept == now, "{file} differs from what {package} is made of, which is\n{now}");
    }
}
