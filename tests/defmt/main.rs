//! `defmt-lines FIRMWARE LOG`: prints each message of a binary log as a line, after its level.

use std::error::Error;

use defmt_decoder::{DecodeError, Table};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let mut file = || -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(std::fs::read(arguments.next().ok_or("usage: defmt-lines FIRMWARE LOG")?)?)
    };
    let (firmware, log) = (file()?, file()?);
    let table = Table::parse(&firmware)?.ok_or("the firmware has no texts for defmt")?;
    let mut decoder = table.new_stream_decoder();
    decoder.received(&log);
    loop {
        match decoder.decode() {
            Ok(frame) => {
                println!("{} {}", frame.level().map_or("-", |level| level.as_str()), frame.display_message())
            }
            Err(DecodeError::UnexpectedEof) => return Ok(()),
            Err(DecodeError::Malformed) => return Err("the log is damaged".into()),
        }
    }
}
