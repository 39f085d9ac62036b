//! The compiler guards the nursery: what has to compile does, what must not does not, and the messages are readable.
//!
//! * `accepted/`: a module each; it compiles, and its tests run.
//! * `rejected/`: a program each, whose first line names its twin: a file of `accepted/` that does the same without the
//!   offence, and so shows that nothing else is wrong with it.
//! * `rejected_when_built/`: the same for what `cargo check` lets pass, since sizes are known only when code is generated.
//!   Here the twins are in the same folder.
//!
//! What the compiler says is in the `.stderr` file beside the program. Where that would be mostly about the inside of
//! giambio, lines of the program that begin with `//! Says: ` hold what matters in it.
//!
//! A `.stderr` is compared with the compiler of the manifest's `rust-version` alone. When one has changed for the better:
//! `TRYBUILD=overwrite cargo test -p giambio-compile-fail`, and read the diff.

mod accepted;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trybuild::TestCases;

#[test]
fn unsound_programs_do_not_compile() {
    reject("unsound_programs_do_not_compile", "rejected");
}

#[test]
fn what_does_not_fit_does_not_build() {
    reject("what_does_not_fit_does_not_build", "rejected_when_built");
}

#[test]
fn every_rejected_program_has_a_twin_that_compiles() {
    for (name, twins) in [("rejected", folder(".")), ("rejected_when_built", folder("rejected_when_built"))] {
        for program in programs(&folder(name)).iter().filter(|program| !must_compile(program)) {
            let twin = header(program, "Twin: ").pop();
            let twin = twin.unwrap_or_else(|| panic!("{} names no twin", program.display()));
            assert!(twins.join(&twin).exists(), "{}: there is no twin {twin}", program.display());
        }
    }
}

#[test]
fn every_accepted_program_is_compiled() {
    let modules = fs::read_to_string(folder("accepted/mod.rs")).unwrap();
    for program in programs(&folder("accepted")) {
        let name = program.file_stem().unwrap().to_str().unwrap();
        assert!(name == "mod" || modules.contains(&format!("mod {name};\n")), "accepted/mod.rs lacks {name}");
    }
}

/// In the environment: the folder with copies of programs whose messages are to be written, not compared.
const COPIES: &str = "GIAMBIO_COMPILE_FAIL_COPIES";

/// Runs the programs of a folder, which is what the test of that name does.
fn reject(test: &str, name: &str) {
    if let Some(copies) = env::var_os(COPIES) {
        return run(&programs(Path::new(&copies)));
    }
    let comparable = env::var_os("TRYBUILD").is_some() || is_the_compiler_of_the_messages();
    let (compared, others): (Vec<_>, Vec<_>) = programs(&folder(name))
        .into_iter()
        .partition(|program| comparable && !must_compile(program) && header(program, "Says: ").is_empty());
    if !others.is_empty() {
        let copies = copy(&others, name);
        write_messages(test, &copies);
        for program in programs(&copies) {
            let message = fs::read_to_string(program.with_extension("stderr")).unwrap_or_default();
            for words in header(&program, "Says: ") {
                assert!(message.contains(&words), "{}: not in the message: {words}\n{message}", program.display());
            }
        }
    }
    if !compared.is_empty() {
        run(&compared);
    }
}

fn run(programs: &[PathBuf]) {
    let cases = TestCases::new();
    for program in programs {
        // One that passes makes trybuild build all of them, not only check.
        if must_compile(program) { cases.pass(program) } else { cases.compile_fail(program) }
    }
}

/// Copies programs, without messages, to a place of the build.
fn copy(programs: &[PathBuf], name: &str) -> PathBuf {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&copies);
    fs::create_dir_all(&copies).unwrap();
    for program in programs {
        fs::copy(program, copies.join(program.file_name().unwrap())).unwrap();
    }
    copies
}

/// Runs this test again, in a process of its own, so that trybuild may be told by its environment to write messages. It still
/// fails if a program compiles.
fn write_messages(test: &str, copies: &Path) {
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", test]).env("TRYBUILD", "overwrite").env(COPIES, copies);
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Words and sizes change from compiler to compiler.
fn is_the_compiler_of_the_messages() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap().stdout;
    let ours = format!("rustc {}.", env!("CARGO_PKG_RUST_VERSION"));
    version.starts_with(ours.as_bytes()) && cfg!(target_pointer_width = "64")
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The Rust files of a folder, by name.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "rs")).collect();
    programs.sort();
    programs
}

fn must_compile(program: &Path) -> bool {
    program.file_name().unwrap().to_string_lossy().starts_with("fits_")
}

/// What follows `label` in the lines of a program's header.
fn header(program: &Path, label: &str) -> Vec<String> {
    let text = fs::read_to_string(program).unwrap();
    let lines = text.lines().map_while(|line| line.strip_prefix("//! "));
    lines.filter_map(|line| line.strip_prefix(label)).map(str::to_owned).collect()
}
