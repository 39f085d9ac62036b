//! Runs one program of the book, by the name of its module.

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

fn main() -> std::process::ExitCode {
    let wanted = std::env::args().nth(1).expect("the name of a program");
    let program = PROGRAMS.iter().find(|(name, _)| *name == wanted);
    let (_, run) = program.unwrap_or_else(|| panic!("there is no program {wanted}"));
    run()
}
