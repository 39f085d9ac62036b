//! Prints the public API of a crate, one item a line, from what rustdoc says about it in JSON.
//!
//! Left out is what follows from other lines: blanket implementations, and the traits that the compiler implements by itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(file) = std::env::args_os().nth(1) else {
        eprintln!("usage: giambio-public-api FILE.json");
        return ExitCode::from(2);
    };
    let listing =
        public_api::Builder::from_rustdoc_json(file).omit_blanket_impls(true).omit_auto_trait_impls(true).build();
    match listing {
        Ok(listing) => {
            for item in listing.items() {
                println!("{item}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
