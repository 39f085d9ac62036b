//! `cargo xtask public-api --write`: brings the lists of the public API up to date.

fn main() -> Result<(), String> {
    for (package, file) in giambio_public_api::LISTS {
        let list = giambio_public_api::list(package, &[])?;
        std::fs::write(giambio_public_api::root().join(file), list).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}
