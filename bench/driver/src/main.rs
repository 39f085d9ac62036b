//! `cargo xtask bench`: builds giambio and its peers, runs them side by side, prints the tables.

mod build;
mod machine;
mod numbers;
mod options;
mod parts;
mod peers;
mod plot;
mod program;
mod readme;
mod rounds;
mod server;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use options::{Options, Wish};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match Options::read(&words) {
        Ok(Wish::Help) => {
            print!("{}", options::HELP);
            Ok(())
        }
        Ok(Wish::Smoke) => parts::smoke::run(),
        Ok(Wish::Run(options)) => run(&options),
        Err(complaint) => Err(format!("{complaint}\n\n{}", options::HELP)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let began = Instant::now();
    machine::check()?;
    let peers = peers::chosen(&options.only);
    build::all(if options.parts.iter().any(|part| part.is_of_peers) { &peers } else { &[] })?;
    println!("{}\n{}\n", machine::machine(), machine::versions(&peers));
    for part in &options.parts {
        let part_began = Instant::now();
        let report = (part.run)(options, &peers)?;
        println!("{}", report.tables);
        eprintln!("{}: {:.0} s", part.name, part_began.elapsed().as_secs_f64());
        if options.save {
            readme::save(part.name, &report.tables, &peers)?;
            report.plot.map_or(Ok(()), |plot| plot.save())?;
        }
    }
    eprintln!("all: {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}
