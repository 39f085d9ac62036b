//! A program with feature `one-context` that doesn't promise one context must not link, however little it does with the
//! library and whatever the compiler and the linker take out: that the feature is sound hangs on it.
#![cfg(all(feature = "one-context", not(feature = "alloc")))]
use std::process::Command;

/// How a program is linked: the profile, whether it is optimized as a whole, and what the linker is told. The linker leaves out
/// what nobody reaches, but for the last.
const LINKS: [(&str, &str, &[&str]); 4] =
    [("dev", "off", &[]), ("release", "off", &[]), ("release", "fat", &[]), ("dev", "off", &["-Clink-dead-code"])];

/// Links `examples/promise.rs`, or returns what was said instead.
fn link((profile, lto, flags): (&str, &str, &[&str]), feature: &str) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--locked", "--example=promise", "--profile", profile, "--features", feature])
        .args(["--manifest-path", "tests/interrupts/Cargo.toml", "--"])
        .args(flags)
        .env("CARGO_PROFILE_RELEASE_LTO", lto)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")) // as `cargo xtask`: what it builds into lies there
        .output()
        .expect("cargo is there");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn a_program_without_the_promise_does_not_link_and_hears_what_is_missing() {
    for how in LINKS {
        let Err(text) = link(how, "unpromised") else { panic!("{how:?}: it has linked") };
        let is_undefined = |line: &str| line.contains("undefined") && line.contains("_GIAMBIO_ONE_CONTEXT");
        assert!(text.lines().any(is_undefined), "{how:?}: {text}");
    }
}

#[test]
fn a_program_with_the_promise_links() {
    for how in LINKS {
        assert_eq!(link(how, "one-context"), Ok(()), "{how:?}");
    }
}
