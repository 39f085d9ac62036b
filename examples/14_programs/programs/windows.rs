//! Windows has none of them. So this one is started again, and does what they do.

use std::io::{self, Read};
use std::time::Duration;
use std::{env, thread};

use giambio::process::Spawn;

pub(crate) fn program(name: &str) -> Spawn {
    // Of a program that does not know itself, starting says that there is no such one.
    let this = env::current_exe().unwrap_or_else(|_| name.into());
    Spawn::new(this).arg(name)
}

/// Was this one started to be another?
pub(crate) fn is_one_itself() -> io::Result<bool> {
    let mut words = env::args().skip(1);
    let Some(name) = words.next() else { return Ok(false) };
    match name.as_str() {
        "sort" => {
            let text = input()?;
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.iter().for_each(|line| println!("{line}"));
        }
        "uniq" => {
            let text = input()?;
            let lines: Vec<&str> = text.lines().collect();
            lines.chunk_by(|one, other| one == other).for_each(|same| println!("{} {}", same.len(), same[0]));
        }
        "sleep" => {
            let seconds = words.next().and_then(|text| text.parse().ok());
            thread::sleep(Duration::from_secs(seconds.unwrap_or(0)));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn input() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
