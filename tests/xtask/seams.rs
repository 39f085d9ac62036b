//! Faults at seams: the code says where it could be wrong, with `fault!("name")`, and `tests/faults/seams.txt` says which test
//! notices. All of them are built once, and planted by an environment variable; nothing of them is in other builds.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use crate::faults::{Outcome, executable, rendered, run_watched};
use crate::shell::{Shell, root, say};

const LIST: &str = "tests/faults/seams.txt";

/// A line of the list.
struct Seam {
    name: String,
    package: String,
    program: String,
    test: String,
}

/// Plants each fault, and says which ones no test noticed; those alone whose names have a word of `GIAMBIO_FAULTS` in
/// them, if that is set.
///
/// # Errors
/// A test fails without a fault, or passes with it.
pub(crate) fn plant_all() -> Result<(), String> {
    let mut seams = read_all()?;
    if let Ok(words) = std::env::var("GIAMBIO_FAULTS") {
        seams.retain(|seam| words.split(' ').any(|word| seam.name.contains(word)));
    }
    say(&format!("{} faults at seams", seams.len()));
    let mut programs = BTreeMap::new();
    let mut survivors = Vec::new();
    for seam in &seams {
        let program = match programs.get(&(&seam.package, &seam.program)) {
            Some(program) => String::clone(program),
            None => {
                let program = build(seam)?;
                programs.insert((&seam.package, &seam.program), program.clone());
                program
            }
        };
        let began = Instant::now();
        if let Outcome::Failed(how) = run(&program, seam, "")? {
            return Err(format!("without the fault {}, its test {} fails: {how}", seam.name, seam.test));
        }
        let verdict = match run(&program, seam, &seam.name)? {
            Outcome::Failed(how) => format!("{}: {how}", seam.program),
            Outcome::Passed => {
                survivors.push(seam.name.as_str());
                "NOT CAUGHT".to_owned()
            }
        };
        say(&format!("{:>5.1} s  {:<44} {verdict}", began.elapsed().as_secs_f64(), seam.name));
    }
    if survivors.is_empty() { Ok(()) } else { Err(format!("no test noticed: {}", survivors.join(", "))) }
}

/// Builds a test program with the seams in it; returns its path.
fn build(seam: &Seam) -> Result<String, String> {
    let mut cargo = Shell::new("cargo test --quiet --no-run --message-format=json --package")
        .arg(&seam.package)
        .args(if seam.program == "lib" { "--lib" } else { "--test" });
    if seam.program != "lib" {
        cargo = cargo.arg(&seam.program);
    }
    let built = cargo
        .env("RUSTFLAGS", "--cfg giambio_faults")
        .own_target("seams")
        .into_command()
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    let messages = String::from_utf8_lossy(&built.stdout);
    if !built.status.success() {
        let why = String::from_utf8_lossy(&built.stderr);
        return Err(format!("{} of {} doesn't compile: {}\n{why}", seam.program, seam.package, rendered(&messages)));
    }
    executable(&messages).map(str::to_owned).ok_or_else(|| format!("cargo names no program for {}", seam.program))
}

/// Runs the test in the folder that Cargo would run it in.
fn run(program: &str, seam: &Seam, fault: &str) -> Result<Outcome, String> {
    let folder = if seam.package == "giambio" { "std-adapter" } else { "core" };
    run_watched(program, &seam.test, &root().join(folder), ("GIAMBIO_FAULT", fault))
}

fn read_all() -> Result<Vec<Seam>, String> {
    let text = fs::read_to_string(root().join(LIST)).map_err(|error| format!("{LIST}: {error}"))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| read(line).ok_or_else(|| format!("{LIST}: not five fields: {line}"))).collect()
}

fn read(line: &str) -> Option<Seam> {
    let fields: Vec<String> = line.split(" | ").map(|field| field.trim().to_owned()).collect();
    let [name, package, program, test, _law] = fields.try_into().ok()?;
    Some(Seam { name, package, program, test })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::each_file;

    /// The step takes minutes; this is known in no time.
    #[test]
    fn each_seam_is_in_the_code_once_and_in_the_list() {
        let mut found = Vec::new();
        for folder in ["core/src", "std-adapter/src"] {
            each_file(folder, &mut |path| {
                let text = fs::read_to_string(root().join(path)).unwrap_or_default();
                let names = text.split("fault!(\"").skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.filter(|name| *name != "name").map(str::to_owned));
            })
            .unwrap();
        }
        found.sort();
        let mut listed: Vec<String> = read_all().unwrap().into_iter().map(|seam| seam.name).collect();
        listed.sort();
        assert_eq!(found, listed, "the code's seams, and those of {LIST}");
    }
}
