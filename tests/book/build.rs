//! Makes a module of each program in the pages of `docs/`.

#[path = "src/pages.rs"]
mod pages;

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed={}", pages::folder().display());
    let mut modules = String::new();
    let mut table = String::from("pub(crate) const PROGRAMS: &[(&str, fn() -> std::process::ExitCode)] = &[\n");
    for program in pages::programs(cfg!(feature = "other-crates")) {
        let name = program.name();
        let code = program.code();
        writeln!(
            modules,
            "/// `docs/{}`, line {}.\n#[allow(unused)]\nmod {name} {{\n{code}",
            program.page, program.line
        )
        .unwrap();
        writeln!(
            modules,
            "pub(super) fn __run() -> std::process::ExitCode {{ std::process::Termination::report(main()) }}\n}}"
        )
        .unwrap();
        writeln!(table, "    ({name:?}, {name}::__run),").unwrap();
    }
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("programs.rs");
    fs::write(out, format!("{modules}\n{table}];\n")).expect("cargo's folder can be written to");
}
