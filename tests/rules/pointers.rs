//! How the kernel comes by its pointers.

use super::sources;

/// A pointer to a whole that is made of a reference to its first part is good for no more than that part. So what leads to
/// tasks, nurseries and scopes is made of references where these are the whole, and nowhere else.
#[test]
fn pointers_to_wholes_are_made_in_few_places() {
    const KNOWN: [(&str, usize); 7] = [
        ("deadline/entry.rs", 2),
        ("nursery/cell.rs", 1),
        ("nursery/outermost.rs", 1),
        ("scope/listed.rs", 3),
        ("storage/slots.rs", 2),
        ("task/root.rs", 1),
        ("wait_queue/waiting.rs", 1),
    ];
    let mut found = Vec::new();
    for (path, text) in sources("core/src/kernel") {
        let code = text.split("\n#[cfg(all(test").next().unwrap_or_default();
        let count = code.matches("NonNull::from(").count();
        if count > 0 && !path.ends_with("/tests.rs") {
            found.push((path.trim_start_matches("core/src/kernel/").to_owned(), count));
        }
    }
    found.sort();
    assert_eq!(found, KNOWN.map(|(file, count)| (file.to_owned(), count)), "is each of the whole that it leads to?");
}
