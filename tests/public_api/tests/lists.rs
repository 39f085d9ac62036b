//! The lists of the public API are up to date.

use giambio_public_api::{LISTS, list, read};

/// Lines that only one of them has.
fn changes(kept: &str, now: &str) -> String {
    let only_in = |one: &str, other: &str, sign| {
        let other: Vec<&str> = other.lines().collect();
        let lines = one.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only_in(kept, now, '-') + &only_in(now, kept, '+')
}

#[test]
fn the_lists_are_what_the_libraries_have() {
    for (package, file) in LISTS {
        let now = match list(package, &[]) {
            Ok(now) => now,
            // Rustdoc's JSON changes with the compiler; who has another one than CI need not care.
            Err(why) if why.contains("format") && std::env::var_os("CI").is_none() => return eprintln!("{why}"),
            Err(why) => panic!("{why}"),
        };
        let kept = read(file).unwrap();
        assert!(kept == now, "{file} differs from the API: `cargo xtask public-api --write`\n{}", changes(&kept, &now));
    }
}

#[test]
fn a_change_is_what_only_one_of_the_lists_has() {
    assert_eq!(changes("a\nb\nc\n", "a\nc\nd\n"), "- b\n+ d\n");
}
