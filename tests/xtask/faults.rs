//! Plants faults in the core, one at a time in each of two copies, and demands that a test fails for each: a suite that
//! catches none of them proves nothing.
//!
//! A fault is a file in `tests/faults`: what it is about, where it goes, which test programs are to
//! catch it (a module of the suite is one here), and the text that is replaced. A text that isn't found, or found twice, fails the step,
//! so that faults can't outlive the code that they are for. See `tests/faults/README.md`.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::shell::{self, Shell, root, say};

/// A test program that runs longer than that is caught in an endless loop.
const PATIENCE: Duration = Duration::from_secs(15);

/// Not a test program, but the core's loom tests.
const LOOM: &str = "loom";

/// One thing that could be wrong with the core.
#[derive(Debug, PartialEq)]
struct Fault {
    name: String,
    file: String,
    tests: Vec<String>,
    old: String,
    new: String,
}

/// Plants each fault, and says which ones no test noticed; those alone whose names have a word of `GIAMBIO_FAULTS` in
/// them, if that is set.
///
/// # Errors
/// A fault doesn't fit the code, doesn't compile, or isn't caught; or the copy fails without any.
pub(crate) fn plant_all() -> Result<(), String> {
    let mut faults = read_all(&root().join("tests/faults"))?;
    if let Ok(words) = std::env::var("GIAMBIO_FAULTS") {
        faults.retain(|fault| words.split(' ').any(|word| fault.name.contains(word)));
    }
    say(&format!("{} faults", faults.len()));
    // Without a fault everything passes: else all would be caught for nothing. So that comes first.
    let mut tests: Vec<&str> = faults.iter().flat_map(|fault| &fault.tests).map(String::as_str).collect();
    tests.sort_unstable();
    tests.dedup();
    let healthy = tests.into_iter().map(|test| (test, Job::Healthy(test)));
    let planted = faults.iter().map(|fault| (fault.tests[0].as_str(), Job::Planted(fault)));
    let jobs = Mutex::new(healthy.chain(planted).collect::<Vec<_>>());
    // What takes long to build is built once: the first worker has all of loom.
    let take = |worker: usize| {
        let mut jobs = jobs.lock().ok()?;
        let mine = jobs.iter().position(|(test, _)| worker == 0 || *test != LOOM)?;
        Some(jobs.remove(mine).1)
    };
    let survivors = std::thread::scope(|threads| {
        let workers = [0, 1].map(|worker| {
            let output = shell::output();
            threads.spawn(move || {
                shell::print_to(output);
                work(Copy::make(worker)?, || take(worker))
            })
        });
        let mut survivors = Vec::new();
        for worker in workers {
            survivors.extend(worker.join().map_err(|_| "a worker panicked")??);
        }
        Ok::<_, String>(survivors)
    })?;
    match survivors.as_slice() {
        [] => Ok(()),
        some => Err(format!("no test noticed: {}", some.join(", "))),
    }
}

/// What a worker does with its copy of the core.
enum Job<'a> {
    /// Runs a test program, which must pass.
    Healthy(&'a str),
    /// Plants a fault, and runs tests until one fails.
    Planted(&'a Fault),
}

/// Does what there is to do; returns the faults that no test noticed.
fn work<'a>(copy: Copy, take: impl Fn() -> Option<Job<'a>>) -> Result<Vec<&'a str>, String> {
    let mut survivors = Vec::new();
    while let Some(job) = take() {
        let began = Instant::now();
        let (name, verdict) = match job {
            Job::Healthy(test) => match copy.run(test)? {
                Outcome::Passed => (test, "passes without a fault".to_owned()),
                Outcome::Failed(how) => return Err(format!("without a fault, {test} fails: {how}")),
            },
            Job::Planted(fault) => {
                copy.plant(fault)?;
                let caught = copy.catch(fault);
                copy.heal(fault)?;
                let verdict = caught?.unwrap_or_else(|| {
                    survivors.push(fault.name.as_str());
                    "NOT CAUGHT".to_owned()
                });
                (fault.name.as_str(), verdict)
            }
        };
        say(&format!("{:>5.1} s  {name:<44} {verdict}", began.elapsed().as_secs_f64()));
    }
    Ok(survivors)
}

fn read_all(folder: &Path) -> Result<Vec<Fault>, String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "fault"))
        .collect();
    paths.sort();
    let mut faults = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        faults.push(read(&name, &text)?);
    }
    Ok(faults)
}

/// ```text
/// # why this matters
/// file: core/src/…
/// tests: random_programs time
/// <<<<
/// the text as it is
/// ====
/// the text with the fault
/// >>>>
/// ```
fn read(name: &str, text: &str) -> Result<Fault, String> {
    let wrong = |what: &str| format!("tests/faults/{name}.fault: {what}");
    let field = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map(|line| line.trim().to_owned()).ok_or_else(|| wrong(&format!("no line begins with `{key}`")))
    };
    let (_, rest) = text.split_once("\n<<<<\n").ok_or_else(|| wrong("no line <<<<"))?;
    let (old, rest) = rest.split_once("\n====\n").ok_or_else(|| wrong("no line ===="))?;
    // What is new may be nothing at all.
    let new = rest.strip_suffix(">>>>\n").ok_or_else(|| wrong("the last line isn't >>>>"))?;
    let tests = field("tests:")?.split_whitespace().map(str::to_owned).collect();
    Ok(Fault {
        name: name.to_owned(),
        file: field("file:")?,
        tests,
        old: old.to_owned(),
        new: new.strip_suffix('\n').unwrap_or(new).to_owned(),
    })
}

/// The text with the fault in it.
fn planted(fault: &Fault, text: &str) -> Result<String, String> {
    match text.matches(&fault.old).count() {
        1 => Ok(text.replacen(&fault.old, &fault.new, 1)),
        count => Err(format!(
            "tests/faults/{}.fault: its text is {count} times in {}, and should be there once:\n{}",
            fault.name, fault.file, fault.old
        )),
    }
}

/// How a test program ended.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
}

/// The core on its own, in a folder where it may be broken.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn make(number: usize) -> Result<Copy, String> {
        let folder = root().join("target/faults").join(number.to_string());
        let say = |error: std::io::Error| format!("{}: {error}", folder.display());
        for part in ["core/src", "core/tests"] {
            // What a broken run has left.
            let _ = fs::remove_dir_all(folder.join(part));
            copy_folder(&root().join(part), &folder.join(part)).map_err(say)?;
        }
        split_suite(&folder.join("core/tests")).map_err(say)?;
        fs::copy(root().join("core/Cargo.toml"), folder.join("core/Cargo.toml")).map_err(say)?;
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).map_err(say)?;
        let manifest = fs::read_to_string(root().join("Cargo.toml")).map_err(say)?;
        let lines = manifest.lines().map(|line| match line.split(' ').next() {
            Some("members") => "members = [\"core\"]",
            Some("default-members" | "exclude" | "giambio") => "",
            _ => line,
        });
        let lines: Vec<&str> = lines.collect();
        fs::write(folder.join("Cargo.toml"), lines.join("\n")).map_err(say)?;
        Ok(Copy { folder })
    }

    fn plant(&self, fault: &Fault) -> Result<(), String> {
        let path = self.folder.join(&fault.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        fs::write(&path, planted(fault, &text)?).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn heal(&self, fault: &Fault) -> Result<(), String> {
        let copied = fs::copy(root().join(&fault.file), self.folder.join(&fault.file));
        copied.map(drop).map_err(|error| format!("{}: {error}", fault.file))
    }

    /// Which test program notices it, and how. `None`: none.
    fn catch(&self, fault: &Fault) -> Result<Option<String>, String> {
        for test in &fault.tests {
            if let Outcome::Failed(how) = self.run(test)? {
                return Ok(Some(format!("{test}: {how}")));
            }
        }
        Ok(None)
    }

    /// Builds and runs a test program.
    fn run(&self, test: &str) -> Result<Outcome, String> {
        let is_loom = test == LOOM;
        let mut cargo = self.cargo(if is_loom { LOOM } else { "target" });
        cargo.args(["test", "--quiet", "--no-run", "--message-format=json", "-p", "giambio-core"]);
        match is_loom {
            true => cargo.args(["--lib", "--release"]).env("RUSTFLAGS", "--cfg loom"),
            false => cargo.args(["--test", test]),
        };
        let built = cargo.stderr(Stdio::piped()).output().map_err(|error| format!("cargo: {error}"))?;
        if !built.status.success() {
            let (messages, why) = (String::from_utf8_lossy(&built.stdout), String::from_utf8_lossy(&built.stderr));
            return Err(format!("{test} doesn't compile: {}\n{why}", rendered(&messages)));
        }
        let messages = String::from_utf8_lossy(&built.stdout);
        let program = executable(&messages).ok_or_else(|| format!("cargo names no program for {test}"))?;
        run_watched(program, if is_loom { LOOM } else { "" }, &self.folder.join("core"), ("GIAMBIO_PROGRAMS", "3000"))
    }

    fn cargo(&self, target: &str) -> Command {
        let mut command = Shell::new("cargo").into_command();
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.folder.join(target));
        // The compiler takes longer than the tests: it does as little as may be, and nothing twice.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "1");
        command
    }
}

/// Makes each module of the suite a program of its own: a fault wants one of them compiled, not all.
fn split_suite(tests: &Path) -> io::Result<()> {
    for entry in fs::read_dir(tests.join("suite"))? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        let topic = file.trim_end_matches(".rs");
        if topic != "main" {
            let program = format!("//! {topic}\nmod common;\n#[path = \"suite/{file}\"]\nmod {topic};\n");
            fs::write(tests.join(&file), program)?;
        }
    }
    fs::remove_file(tests.join("suite/main.rs"))
}

/// Runs those tests of a program that have `filter` in their names, in a folder, with one more variable in the environment,
/// until one fails.
pub(crate) fn run_watched(
    program: &str,
    filter: &str,
    folder: &Path,
    variable: (&str, &str),
) -> Result<Outcome, String> {
    // A fault may eat memory: it gets 4 GB of addresses.
    let mut command = Shell::new("sh").into_command();
    command.args(["-c", "ulimit -v 4000000; exec \"$0\" $1", program, filter]);
    command.current_dir(folder).env("RUST_BACKTRACE", "0").env(variable.0, variable.1);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let outcome = watch(&mut child);
    let _ = child.kill();
    let _ = child.wait();
    outcome
}

/// Waits for the end, for the first test that fails, or until there is no end to be expected.
fn watch(child: &mut Child) -> Result<Outcome, String> {
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
            return Ok(Outcome::Failed(test));
        }
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(Outcome::Passed),
            Some(status) => return Ok(Outcome::Failed(failures.try_recv().unwrap_or_else(|_| status.to_string()))),
            None => {}
        }
    }
    Ok(Outcome::Failed("it hangs".to_owned()))
}

/// The program in Cargo's messages.
pub(crate) fn executable(messages: &str) -> Option<&str> {
    messages.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(rest.split_once('"')?.0)
    })
}

/// The first error in Cargo's messages, as a person reads it.
pub(crate) fn rendered(messages: &str) -> String {
    let error = messages.lines().find(|line| line.contains("\"level\":\"error\"")).unwrap_or_default();
    let text = error.split_once("\"rendered\":\"").map_or(error, |(_, rest)| rest);
    let text = text.split_once("\",\"$message_type").map_or(text, |(text, _)| text);
    text.replace("\\n", "\n").replace("\\\"", "\"")
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The step takes minutes; this is known in no time.
    #[test]
    fn every_fault_fits_the_code() {
        let faults = read_all(&root().join("tests/faults")).unwrap();
        for fault in faults {
            planted(&fault, &fs::read_to_string(root().join(&fault.file)).unwrap()).unwrap();
        }
    }

    #[test]
    fn a_fault_whose_text_is_gone_is_refused() {
        let fault = read("x", "# why\nfile: f\ntests: a b\n<<<<\nold\n====\n>>>>\n").unwrap();
        assert_eq!((fault.old.as_str(), fault.new.as_str(), fault.tests.len()), ("old", "", 2));
        assert_eq!(planted(&fault, "the old one"), Ok("the  one".to_owned()));
        assert!(planted(&fault, "a new one").is_err());
        assert!(planted(&fault, "old and old").is_err());
    }
}
