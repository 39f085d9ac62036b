//! Plants faults, one at a time, and demands that a test fails for each: a suite that catches none of them proves nothing.
//!
//! The code says where it could be wrong, with `fault!("name")`, and `tests/faults/seams.txt` says which test notices. All of
//! them are built once, and planted by an environment variable; nothing of them is in other builds. See
//! `tests/faults/README.md`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::shell::{Shell, read, root, say};
use crate::steps::Outcome;

const LIST: &str = "tests/faults/seams.txt";

/// A test program that runs longer than that is caught in an endless loop.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a program's name in the list ends with, if its library is built without that feature.
const WITHOUT_STD: &str = " without std";

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
pub(crate) fn plant_all() -> Outcome {
    let mut seams = read_all()?;
    if let Ok(words) = std::env::var("GIAMBIO_FAULTS") {
        seams.retain(|seam| words.split(' ').any(|word| seam.name.contains(word)));
    }
    say(&format!("{} faults", seams.len()));
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
        if let End::Failed(how) = run(&program, seam, "")? {
            return Err(format!("without the fault {}, its test {} fails: {how}", seam.name, seam.test));
        }
        let verdict = match run(&program, seam, &seam.name)? {
            End::Failed(how) => format!("{}: {how}", seam.program),
            End::Passed => {
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
    let cargo = Shell::new("cargo test --quiet --no-run --message-format=json --package").arg(&seam.package);
    let (cargo, flags) = match seam.program.as_str() {
        "lib" => (cargo.arg("--lib"), ""),
        "loom" => (cargo.args("--lib --release"), " --cfg loom"),
        program => match program.strip_suffix(WITHOUT_STD) {
            Some(program) => {
                (cargo.arg("--test").arg(program).args("--no-default-features --features=alloc,hooks"), "")
            }
            None => (cargo.arg("--test").arg(program), ""),
        },
    };
    let built = cargo
        .env("RUSTFLAGS", &format!("--cfg giambio_faults{flags}"))
        .command()
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    let messages = String::from_utf8_lossy(&built.stdout);
    if !built.status.success() {
        let why = String::from_utf8_lossy(&built.stderr);
        return Err(format!("{} of {} doesn't compile: {}\n{why}", seam.program, seam.package, rendered(&messages)));
    }
    executable(&messages).map(str::to_owned).ok_or_else(|| format!("cargo names no program for {}", seam.program))
}

/// Runs the seam's test, with a fault or none, in the folder that Cargo would run it in, until one fails.
fn run(program: &str, seam: &Seam, fault: &str) -> Result<End, String> {
    let folder = if seam.package == "giambio" { "std-adapter" } else { "core" };
    // A fault may eat memory: it gets 4 GB of addresses.
    let mut command = Shell::new("sh").command();
    command.args(["-c", "ulimit -v 4000000; exec \"$0\" $1", program, &seam.test]);
    command.current_dir(root().join(folder)).env("RUST_BACKTRACE", "0").env("GIAMBIO_FAULT", fault);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let outcome = watch(&mut child);
    let _ = child.kill();
    let _ = child.wait();
    outcome
}

/// How a test program ended.
enum End {
    Passed,
    Failed(String),
}

/// Waits for the end, for the first test that fails, or until there is no end to be expected.
fn watch(child: &mut Child) -> Result<End, String> {
    let (sender, failures) = channel();
    let output = child.stdout.take().ok_or("its output isn't a pipe")?;
    // Ends with the program, whose output it reads.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let failed = line.strip_prefix("test ").and_then(|line| line.split_once(" ... FAILED"));
            if let Some((test, _)) = failed {
                let _ = sender.send(test.to_owned());
            }
        }
    });
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Ok(test) = failures.recv_timeout(Duration::from_millis(10)) {
            return Ok(End::Failed(test));
        }
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(End::Passed),
            Some(status) => return Ok(End::Failed(failures.try_recv().unwrap_or_else(|_| status.to_string()))),
            None => {}
        }
    }
    Ok(End::Failed("it hangs".to_owned()))
}

/// The program in Cargo's messages.
fn executable(messages: &str) -> Option<&str> {
    messages.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(rest.split_once('"')?.0)
    })
}

/// The first error in Cargo's messages, as a person reads it.
fn rendered(messages: &str) -> String {
    let error = messages.lines().find(|line| line.contains("\"level\":\"error\"")).unwrap_or_default();
    let text = error.split_once("\"rendered\":\"").map_or(error, |(_, rest)| rest);
    let text = text.split_once("\",\"$message_type").map_or(text, |(text, _)| text);
    text.replace("\\n", "\n").replace("\\\"", "\"")
}

fn read_all() -> Result<Vec<Seam>, String> {
    let text = read(LIST)?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| seam(line).ok_or_else(|| format!("{LIST}: not five fields: {line}"))).collect()
}

fn seam(line: &str) -> Option<Seam> {
    let fields: Vec<String> = line.split(" | ").map(|field| field.trim().to_owned()).collect();
    let [name, package, program, test, _law] = fields.try_into().ok()?;
    Some(Seam { name, package, program, test })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules::sources;

    /// The step takes minutes; this is known in no time.
    #[test]
    fn each_seam_is_in_the_code_once_and_in_the_list() {
        let mut found = Vec::new();
        for folder in ["core/src", "std-adapter/src"] {
            for (_, text) in sources(folder) {
                let names = text.split("fault!(\"").skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.filter(|name| *name != "name").map(str::to_owned));
            }
        }
        let listed = read_all().unwrap().into_iter().map(|seam| seam.name).collect();
        let differences = differences(found, listed);
        assert!(differences.is_empty(), "the code's seams, and those of {LIST}:\n{}", differences.join("\n"));
    }

    /// What one list has more often than the other.
    fn differences(found: Vec<String>, listed: Vec<String>) -> Vec<String> {
        let count = |name: &str, list: &[String]| list.iter().filter(|other| *other == name).count();
        let names: BTreeSet<&String> = found.iter().chain(&listed).collect();
        let counts = names.into_iter().map(|name| (name, count(name, &found), count(name, &listed)));
        let wrong = counts.filter(|(_, found, listed)| (*found, *listed) != (1, 1));
        wrong.map(|(name, found, listed)| format!("{name}: {found} in the code, {listed} in the list")).collect()
    }

    #[test]
    fn the_difference_is_what_is_in_one_place_alone_or_twice() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let differences = differences(list(&["a", "b", "b", "d"]), list(&["d", "c", "a"]));
        assert_eq!(differences, ["b: 2 in the code, 0 in the list", "c: 0 in the code, 1 in the list"]);
    }
}
