//! Puts tables where people read them: between two marks in `bench/README.md`.

use std::fs;

use crate::build::root;
use crate::machine;
use crate::peers::Peers;

/// Replaces what the page says about a part, and about the machine.
pub(crate) fn save(part: &str, text: &str, peers: &Peers) -> Result<(), String> {
    let path = root().join("README.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let about = format!("{}\n\nPeers: {}.\n", machine::machine(), machine::versions(peers));
    let page = replaced(&page, part, &format!("*{}*\n\n{text}", machine::machine()))?;
    let page = replaced(&page, "versions", &about)?;
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}

fn replaced(page: &str, name: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let parts = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.ok_or(format!("bench/README.md has no marks for {name}"))?;
    Ok(format!("{before}{begin}{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_marks_is_replaced() {
        let page = "a\n<!-- echo -->\nold\n<!-- end of echo -->\nb\n";
        assert_eq!(replaced(page, "echo", "new\n").unwrap(), "a\n<!-- echo -->\nnew\n<!-- end of echo -->\nb\n");
        assert!(replaced(page, "micro", "new").is_err());
    }

    #[test]
    fn the_page_has_room_for_every_part() {
        let page = fs::read_to_string(root().join("README.md")).unwrap();
        for part in crate::parts::PARTS {
            assert!(replaced(&page, part.name, "").is_ok(), "{}", part.name);
        }
        assert!(replaced(&page, "versions", "").is_ok());
    }
}
